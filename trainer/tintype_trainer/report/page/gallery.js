// The pictures: which ones, in which order, what is drawn on them, and one of them large.

const AT_ONCE = innerWidth < 640 ? 24 : 48;
const MOST_DECISIONS = 30;
const TABS = [
  ['all', 'All'],
  ['right', 'Correct'],
  ['wrong', 'False positives'],
  ['missed', 'False negatives'],
];
const ORDERS = [
  ['doubt', 'Likely annotation errors first'],
  ['high', 'Highest score first'],
  ['low', 'Lowest score first'],
];

/** Return the section of the pictures; `show` brings it up to date. */
function gallerySection(report, state, changed) {
  const detection = report.viewType === 'Detection';
  const tabs = TABS.map(([key, title]) => make('button', {
    type: 'button', role: 'tab', id: `tab-${key}`, 'aria-controls': 'pictures-list',
    onclick: () => { state.tab = key; changed('tab'); },
  }, title, ' ', make('span', { class: 'count' })));
  const list = make('div', { role: 'tablist', 'aria-label': 'Which pictures', class: 'tabs' }, tabs);
  list.addEventListener('keydown', (event) => {
    const places = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
    if (!(event.key in places)) return;
    event.preventDefault();
    const now = TABS.findIndex(([key]) => key === state.tab);
    const next = Math.abs(places[event.key]) === 1
      ? (now + places[event.key] + TABS.length) % TABS.length
      : (places[event.key] < 0 ? 0 : TABS.length - 1);
    state.tab = TABS[next][0];
    changed('tab');
    tabs[next].focus();
  });
  const order = make('select', { id: 'order', onchange: () => { state.order = order.value; changed('order'); } },
    ORDERS.map(([key, title]) => make('option', { value: key }, title)));
  const boxes = detection ? [['found', 'predicted boxes'], ['truth', 'annotated boxes']].map(([key, title]) =>
    make('label', { class: 'check' }, make('input', { type: 'checkbox', id: `show-${key}`, checked: true,
      onchange: (event) => { state.boxes[key] = event.target.checked; changed('boxes'); } }), title)) : [];
  const filter = make('p', { class: 'filter', hidden: true });
  const cards = make('div', { class: 'cards', role: 'tabpanel', id: 'pictures-list', tabindex: -1 });
  const more = make('button', { type: 'button', class: 'more', onclick: () => {
    const first = state.shown;
    state.shown += AT_ONCE;
    changed('more');
    cards.children[first]?.focus();
  } });
  const element = section('pictures', 'Pictures', 'Pictures',
    make('p', { class: 'quiet' }, 'A mistake of which the network is sure may be an error of the annotation: such pictures come first.'),
    make('div', { class: 'row apart' }, list,
      make('div', { class: 'row' }, boxes, make('label', { for: 'order' }, 'Order'), order)),
    detection ? boxLegend() : null, filter, cards, more);
  let places = [];
  const show = (decided) => {
    const found = selected(report, state, decided);
    TABS.forEach(([key], number) => {
      const chosen = key === state.tab;
      tabs[number].setAttribute('aria-selected', String(chosen));
      tabs[number].setAttribute('tabindex', chosen ? 0 : -1);
      tabs[number].lastChild.textContent = found[key].length.toLocaleString('en');
    });
    cards.setAttribute('aria-labelledby', `tab-${state.tab}`);
    places = ordered(found[state.tab], state, decided);
    showFilter(report, state, filter, changed);
    cards.replaceChildren(...places.slice(0, state.shown).map((place) => card(report, state, decided, place,
      () => closer(report, state, decided, places, place, cards))));
    if (!places.length) cards.append(make('p', { class: 'quiet' }, 'No picture is of this kind.'));
    const left = places.length - state.shown;
    more.hidden = left <= 0;
    more.textContent = `Show ${Math.min(AT_ONCE, left)} more of ${left.toLocaleString('en')}`;
    return places.length;
  };
  return { element, show };
}

/** Return the places of the examples of each tab. */
function selected(report, state, decided) {
  const found = { all: [], right: [], wrong: [], missed: [] };
  decided.outcomes.forEach((outcomes, place) => {
    const about = aboutOf(outcomes, state);
    if (state.cell ? !inCell(outcomes, state.cell) : state.concept !== null && !about.length) return;
    found.all.push(place);
    if (about.every(isRight)) found.right.push(place);
    const concept = state.cell ? state.cell.concept : state.concept;
    if (about.some((each) => isWrong(each) && concerns(each.decided, concept))) found.wrong.push(place);
    if (about.some((each) => isMissed(each) && concerns(each.annotated, concept))) found.missed.push(place);
  });
  return found;
}

const isRight = ({ annotated, decided }) => annotated === decided;
const isWrong = ({ annotated, decided }) => decided !== null && annotated !== decided;
const isMissed = ({ annotated, decided }) => annotated !== null && annotated !== decided;
const concerns = (place, concept) => concept === null || place === concept;

function relevant(outcomes, concept) {
  return concept === null ? outcomes : outcomes.filter(({ annotated, decided }) => annotated === concept || decided === concept);
}

/** Return the outcomes that count for what is chosen: of the cell, else of the concept, else all. */
function aboutOf(outcomes, { cell, concept }) {
  return relevant(outcomes, cell ? cell.concept : concept);
}

function inCell(outcomes, { annotated, decided, concept, absent }) {
  if (absent) return relevant(outcomes, concept).length === 0;
  return outcomes.some((each) => each.annotated === annotated && each.decided === decided);
}

function ordered(places, state, decided) {
  const key = (place) => {
    const about = aboutOf(decided.outcomes[place], state);
    if (state.order !== 'doubt') return Math.max(0, ...about.map(({ score }) => score));
    const wrong = about.filter((each) => !isRight(each));
    return wrong.length ? 1 + Math.max(...wrong.map(({ sure }) => sure)) : -Math.max(0, ...about.map(({ score }) => score));
  };
  const sign = state.order === 'low' ? 1 : -1;
  return places.map((place) => [key(place), place])
    .sort((one, other) => sign * (one[0] - other[0]) || one[1] - other[1])
    .map(([, place]) => place);
}

function showFilter(report, state, filter, changed) {
  const { cell, concept } = state;
  filter.hidden = !cell && concept === null;
  const text = cell ? cell.label : concept === null ? '' : report.evaluated.concepts[concept].name;
  filter.replaceChildren('Only ', make('b', { dir: 'auto' }, named(text)), ' ', make('button', { type: 'button', onclick: () => {
    state.cell = null;
    if (!cell) state.concept = null;
    changed('filter');
  } }, 'Show all'));
}

function card(report, state, decided, place, open) {
  const { ids } = report.evaluated.examples;
  const outcomes = aboutOf(decided.outcomes[place], state);
  const right = outcomes.every(isRight);
  return make('button', { type: 'button', class: `card ${right ? 'right' : 'wrong'}`, 'data-place': place, onclick: open },
    picture(report, state, decided.outcomes[place], place),
    make('span', { class: 'verdict' }, right ? '✓ right' : '✗ wrong'),
    make('span', { class: 'words' }, ...wordsOf(report, outcomes, 3)),
    make('span', { class: 'file', dir: 'auto' }, ids[place]));
}

function worstFirst(outcomes) {
  return [...outcomes].sort((one, other) => isRight(one) - isRight(other) || other.sure - one.sure);
}

/** Return what was annotated and decided, in words. */
function wordsOf(report, outcomes, most) {
  const { concepts } = report.evaluated;
  const nameOf = (concept, none) => (concept === null ? none : named(concepts[concept].name));
  if (report.viewType === 'Classification') {
    return outcomes.flatMap(({ annotated, decided, score }) => [
      make('span', { class: 'line' }, annotated === decided ? [] : 'decided ', nameOf(decided, 'none'), ' ', make('b', {}, share(score))),
      annotated === decided ? null : make('span', { class: 'line quiet' }, 'annotated ', nameOf(annotated)),
    ]).filter(Boolean);
  }
  const lines = worstFirst(outcomes).map((each) => {
    const [sign, word] = isRight(each) ? ['✓', 'right'] : each.decided === null ? ['○', 'missed'] : ['✗', 'wrong'];
    const instead = each.decided !== null && each.annotated !== null && !isRight(each) ? [', annotated ', nameOf(each.annotated)] : [];
    return make('span', { class: 'line' }, make('span', { class: 'quiet' }, make('span', { class: `sign ${word}`, 'aria-hidden': 'true' }, sign), ' ',
      make('span', { class: word === 'missed' ? '' : 'unseen' }, word), ' '), nameOf(each.decided ?? each.annotated), ' ',
      each.decided === null && !each.score ? null : make('b', {}, share(each.score)), instead);
  });
  if (!lines.length) return [make('span', { class: 'line quiet' }, report.viewType === 'Detection' ? 'no box' : 'no concept')];
  const left = lines.length - most;
  return left > 0 ? [...lines.slice(0, most), make('span', { class: 'line quiet' }, `and ${left} more`)] : lines;
}

/** Return a picture with the boxes that are wanted; in a large one they have the numbers of their decisions. */
function picture(report, state, outcomes, place, large = false) {
  const { pictures, sizes, annotated, answers } = report.evaluated.examples;
  const detection = report.viewType === 'Detection';
  const size = sizes[place] ?? (detection ? extent([...annotated[place], ...answers[place].map((box) => [0, ...box.slice(2, 6)])]) : [1, 1]);
  const image = pictures[place]
    ? make('img', { src: pictures[place], alt: '', decoding: 'async', draggable: 'false' })
    : make('span', { class: 'none' }, 'no picture');
  return make('span', { class: 'picture' }, image, detection ? drawnBoxes(report, state, outcomes, annotated[place], size, large) : null);
}

function extent(boxes) {
  return [Math.max(1, ...boxes.map((box) => box[3])), Math.max(1, ...boxes.map((box) => box[4]))];
}

function drawnBoxes(report, state, outcomes, truth, [width, height], large) {
  const letters = Math.max(width, height) / 26;
  const taken = [];
  const numbered = ([x0, y0], number) => {
    // Boxes around one thing begin at nearly one place: their numbers stand beside each other.
    const wide = letters * (0.65 * String(number).length + 0.35);
    let left = Math.max(0, x0) + letters / 4;
    const top = Math.max(0, y0);
    const hidden = () => taken.find((other) => left < other.right && other.left < left + wide && Math.abs(other.top - top) < letters);
    for (let other = hidden(); other; other = hidden()) left = other.right;
    taken.push({ left, right: left + wide, top });
    return draw('text', { x: left, y: top + letters, 'font-size': letters, 'stroke-width': letters / 4 }, String(number));
  };
  const rectangle = ([x0, y0, x1, y1], style) => [
    draw('rect', { class: 'under', x: x0, y: y0, width: Math.max(0, x1 - x0), height: Math.max(0, y1 - y0) }),
    draw('rect', { class: style, x: x0, y: y0, width: Math.max(0, x1 - x0), height: Math.max(0, y1 - y0) }),
  ];
  const missed = new Set(outcomes.filter(isMissed).map((each) => each.truth));
  const concept = state.cell ? null : state.concept;
  const shown = concept === null ? truth : truth.filter((box) => box[0] === concept);
  return draw('svg', { class: 'boxes', viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' },
    state.boxes.truth ? shown.map((box) => rectangle(box.slice(1, 5), box[5] ? 'ignored' : missed.has(box) ? 'missed' : 'annotated')) : [],
    state.boxes.found ? relevant(outcomes, concept).filter((each) => each.found)
      .map((each) => rectangle(each.found.slice(2, 6), isRight(each) ? 'found right' : 'found wrong')) : [],
    // Last, so that no box lies on a number.
    large ? worstFirst(outcomes).map((each, place) => {
      if (!relevant([each], concept).length) return [];
      if (each.found) return state.boxes.found ? numbered(each.found.slice(2, 4), place + 1) : [];
      return state.boxes.truth ? numbered(each.truth.slice(1, 3), place + 1) : [];
    }) : []);
}

function boxLegend() {
  const key = (style, text) => make('li', {}, draw('svg', { viewBox: '0 0 22 14', class: 'key', 'aria-hidden': 'true' },
    draw('rect', { class: style, x: 2, y: 2, width: 18, height: 10 })), text);
  return make('ul', { class: 'legend' }, key('found right', 'predicted, right'), key('found wrong', 'predicted, wrong'),
    key('annotated', 'annotated and found'), key('missed', 'annotated and missed'));
}

/** Show one picture large, with all that is known of it. */
function closer(report, state, decided, places, place, cards) {
  const dialog = document.getElementById('closer');
  let at = places.indexOf(place);
  const step = (by) => {
    at = Math.min(places.length - 1, Math.max(0, at + by));
    show();
  };
  const show = () => {
    const now = places[at];
    const focused = dialog.contains(document.activeElement) ? document.activeElement.dataset.step : null;
    const button = (by, text, key) => make('button', { type: 'button', 'data-step': key, 'aria-disabled': String(places[at + by] === undefined), onclick: () => step(by) }, text);
    dialog.replaceChildren(
      make('div', { class: 'row apart' },
        make('h2', { id: 'closer-title', dir: 'auto' }, report.evaluated.examples.ids[now]),
        make('div', { class: 'row' }, button(-1, '← Before', 'before'),
          make('span', { class: 'quiet' }, `${at + 1} of ${places.length}`), button(1, 'Next →', 'next'),
          make('button', { type: 'button', 'data-step': 'close', onclick: () => dialog.close() }, 'Close'))),
      make('div', { class: 'closer' }, framed(picture(report, state, decided.outcomes[now], now, true), report.evaluated.examples.sizes[now]),
        make('div', {}, make('h3', {}, 'Decisions'), decisionsOf(report, decided.outcomes[now]), scoresOf(report, state, now))));
    if (focused) dialog.querySelector(`[data-step="${focused}"]`)?.focus();
  };
  dialog.onkeydown = (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) {
      event.preventDefault();
      step(by);
    }
  };
  dialog.onclose = () => (cards.querySelector(`[data-place="${places[at]}"]`) ?? cards.querySelector(`[data-place="${place}"]`))?.focus();
  show();
  dialog.showModal();
  dialog.querySelector('[data-step="next"]').focus();
}

/** Return the decisions of one picture; in Detection with the numbers that stand on their boxes. */
function decisionsOf(report, outcomes) {
  const words = wordsOf(report, outcomes, MOST_DECISIONS);
  if (report.viewType !== 'Detection' || !outcomes.length) return make('p', { class: 'words' }, words);
  return make('ol', { class: 'words' }, words.map((line) => make('li', {}, line)));
}

/** Give a picture's place the proportions of the picture. */
function framed(place, size) {
  if (size) place.style.setProperty('aspect-ratio', `${size[0]} / ${size[1]}`);
  return place;
}

/** Return the scores of an example beside their thresholds. */
function scoresOf(report, state, place) {
  const { concepts, examples } = report.evaluated;
  if (report.viewType === 'Detection') return null;
  const found = examples.answers[place];
  const rows = [];
  for (let number = 0; number < found.length && rows.length < 12; number += 2) {
    const score = found[number + 1] / SCORE_UNIT;
    const bar = make('span', { class: 'meter' });
    bar.style.setProperty('--share', score);
    bar.style.setProperty('--threshold', state.thresholds[found[number]]);
    rows.push(make('li', {}, make('span', { class: 'name' }, named(concepts[found[number]].name),
      examples.annotated[place].includes(found[number]) ? make('span', { class: 'mark' }, 'annotated') : null), bar, make('b', {}, share(score))));
  }
  return make('div', {}, make('h3', {}, 'Scores'), make('ul', { class: 'scores' }, rows));
}
