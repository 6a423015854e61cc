// Concept by concept: the bar that chooses concept and threshold, figures, curves, calibration.

const COLUMNS = [
  ['name', 'Concept', 'text'],
  ['support', 'Support', 'count'],
  ['threshold', 'Threshold', 'share'],
  ['precision', 'Precision', 'share'],
  ['recall', 'Recall', 'share'],
  ['f1', 'F1', 'share'],
  ['averagePrecision', 'AP', 'share'],
  ['right', 'TP', 'count'],
  ['wrong', 'FP', 'count'],
  ['missed', 'FN', 'count'],
];
const WORDS = {
  Classification: ['Reject below the score', 'The highest score decides; below its threshold the answer is “none”.'],
  Tagging: ['Decide from the score', 'A concept is decided for where its score reaches its threshold.'],
  Detection: ['Decide from the score', 'A box counts where its score reaches its threshold; it is right from an overlap (IoU) of 0.5 on.'],
};

/** Return the bar that chooses concept and threshold for all that stands below it. */
function controls(report, state, changed) {
  const { concepts } = report.evaluated;
  const [words, help] = WORDS[report.viewType];
  const select = make('select', { id: 'concept', onchange: () => {
    state.concept = select.value === '' ? null : Number(select.value);
    state.cell = null;
    changed('concept');
  } }, make('option', { value: '' }, 'All concepts'),
  concepts.map((concept, place) => make('option', { value: place, dir: 'auto' }, concept.name)));
  const slider = make('input', { type: 'range', id: 'threshold', min: 0, max: 1, step: 0.001, 'aria-describedby': 'threshold-help' });
  const exact = make('input', { type: 'number', id: 'threshold-exact', min: 0, max: 1, step: 0.001, 'aria-label': `${words}, exactly` });
  const reset = make('button', { type: 'button', id: 'reset', onclick: () => {
    if (state.concept === null) state.thresholds = concepts.map((concept) => concept.threshold);
    else state.thresholds[state.concept] = concepts[state.concept].threshold;
    changed('reset');
  } }, 'Reset');
  const output = make('output', { id: 'verdict', for: 'threshold concept' });
  const move = (input) => () => {
    const value = Number(input.value);
    if (input.value === '' || !(value >= 0 && value <= 1)) return;
    const places = state.concept === null ? concepts.map((_, place) => place) : [state.concept];
    for (const place of places) state.thresholds[place] = Math.max(value, concepts[place].lowest);
    changed('threshold', input);
  };
  slider.addEventListener('input', move(slider));
  exact.addEventListener('input', move(exact));
  exact.addEventListener('change', () => show(null));
  const show = (from) => {
    const chosen = state.concept === null ? state.thresholds : [state.thresholds[state.concept]];
    const same = chosen.every((value) => value === chosen[0]);
    const middle = [...chosen].sort((one, other) => one - other)[Math.floor(chosen.length / 2)];
    const lowest = state.concept === null ? Math.min(...concepts.map((each) => each.lowest)) : concepts[state.concept].lowest;
    slider.min = exact.min = lowest;
    if (from !== slider) slider.value = same ? chosen[0] : middle;
    if (from !== exact) exact.value = same ? chosen[0].toFixed(3) : '';
    exact.placeholder = 'mixed';
    slider.setAttribute('aria-valuetext', same ? share(chosen[0]) : 'each concept its own');
    select.value = state.concept ?? '';
    reset.disabled = chosen.every((value, place) => value === concepts[state.concept ?? place].threshold);
  };
  const element = make('form', { class: 'controls', 'aria-label': 'Concept and threshold', onsubmit: (event) => event.preventDefault() },
    make('div', { class: 'field' }, make('label', { for: 'concept' }, 'Concept'), select),
    make('div', { class: 'field wide' }, make('label', { for: 'threshold' }, words), make('span', { class: 'row tight' }, slider, exact, reset)),
    output,
    make('span', { id: 'threshold-help', class: 'unseen' }, help));
  return { element, show, verdict: (text) => { output.textContent = text; } };
}

/** Return the section of figures; `show` brings it up to date. */
function conceptsSection(report, state, changed) {
  const { concepts, figures, split, calibration } = report.evaluated;
  const tested = concepts.some((concept) => concept.test);
  const columns = [...COLUMNS, ...(tested ? [['testF1', 'F1 on test', 'share']] : [])];
  const order = { key: null, falling: true };
  const head = make('tr');
  const body = make('tbody');
  const curves = make('div');
  const calibrated = make('div');
  const anyCalibration = calibration || concepts.some((concept) => concept.calibration);
  const element = section('concepts', 'How good it is, concept by concept', 'Concepts',
    make('dl', { class: 'tiles small' }, figures.map((each) => tile(each))),
    make('p', { class: 'quiet' }, `Figures of the whole ${split} set as evaluation.json has them; the table below moves with the thresholds.`,
      ' ', WORDS[report.viewType][1]),
    scrolling('Figures of each concept', make('table', { class: 'concepts' },
      make('caption', { class: 'unseen' }, 'Figures of each concept at its threshold'), make('thead', {}, head), body)),
    make('div', { class: 'columns two' },
      make('figure', { class: 'panel' }, make('figcaption', {}, 'Precision over recall'), curves),
      anyCalibration ? make('figure', { class: 'panel' }, make('figcaption', {}, 'Calibration'), calibrated) : null));

  const sortBy = (key) => {
    order.falling = order.key === key ? !order.falling : key !== 'name';
    order.key = key;
    changed('order');
    head.querySelector(`[data-key="${key}"]`).focus();
  };
  const rowsOf = (decided) => concepts.map((concept, place) => ({
    place, ...concept, ...decided.counts[place], ...rates(decided.counts[place]),
    threshold: state.thresholds[place], testF1: concept.test?.f1 ?? null,
  }));
  const cell = (row, [key, , kind]) => {
    if (kind === 'count') return make('td', {}, row[key].toLocaleString('en'));
    const bar = key === 'f1' || key === 'averagePrecision';
    const td = make('td', { class: bar ? 'barred' : null }, share(row[key]));
    if (bar) td.style.setProperty('--share', row[key] ?? 0);
    return td;
  };
  const show = (decided) => {
    head.replaceChildren(...columns.map(([key, title]) => make('th', {
      scope: 'col', 'aria-sort': order.key === key ? (order.falling ? 'descending' : 'ascending') : null,
    }, make('button', { type: 'button', class: 'plain', 'data-key': key, onclick: () => sortBy(key) }, title))));
    const rows = rowsOf(decided);
    if (order.key) rows.sort((one, other) => (order.falling ? -1 : 1) * compared(one[order.key], other[order.key]));
    const focused = document.activeElement?.dataset?.concept;
    body.replaceChildren(...rows.map((row) => make('tr', { class: row.place === state.concept ? 'chosen' : null },
      make('th', { scope: 'row' }, make('button', {
        type: 'button', class: 'plain', 'data-concept': row.place, 'aria-pressed': String(row.place === state.concept),
        onclick: () => { state.concept = row.place === state.concept ? null : row.place; state.cell = null; changed('concept'); },
      }, named(row.name))),
      columns.slice(1).map((column) => cell(row, column)))));
    if (focused !== undefined) body.querySelector(`[data-concept="${focused}"]`)?.focus();
    curves.replaceChildren(...precisionRecall(concepts, state.concept, decided.counts.map(rates)));
    if (anyCalibration) showCalibration();
  };
  const showCalibration = () => {
    const own = state.concept === null ? null : concepts[state.concept].calibration;
    const found = calibration ?? own ?? (state.concept === null ? pooled(concepts.map((each) => each.calibration).filter(Boolean)) : null);
    if (!found) return calibrated.replaceChildren(make('p', {}, 'There is nothing to calibrate for this concept.'));
    const of = calibration
      ? (report.viewType === 'Detection' ? 'of all detections, right at an overlap of 0.5' : 'of the highest score')
      : state.concept === null ? 'of all concepts together' : 'of this concept';
    const rows = found.bins.map((bin) => [`${share(bin.lower)} to ${share(bin.upper)}`, String(bin.count), share(bin.score), share(bin.right)]);
    return calibrated.replaceChildren(
      make('p', { class: 'legend' }, `Expected calibration error ${share(found.error)}, ${of}. On the dashed line a score is the probability of being right. Filled gaps: more often right than the score says; hollow ones: less often.`),
      reliability(found), numbersOf('The bins in numbers', ['Scores', 'Count', 'Mean score', 'Share right'], rows));
  };
  return { element, show };
}

function compared(one, other) {
  if (typeof one === 'string') return one.localeCompare(other);
  return (one ?? -1) - (other ?? -1);
}
