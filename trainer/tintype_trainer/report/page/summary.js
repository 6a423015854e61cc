// The head of the page, what was trained, and how the training went.

function showHead(report) {
  const { indicator } = report;
  const tiles = report.tiles.map((each) => tile(each));
  if (indicator) {
    const { interval } = indicator;
    const detail = interval ? `95 %: ${share(interval.lower)} to ${share(interval.upper)}` : null;
    const set = indicator.name === 'mAP' ? 'mAP' : 'Accuracy';
    tiles.unshift(tile({ label: `${set} on the validation set`, value: indicator.value.toFixed(4), detail }, true));
  }
  document.getElementById('top').append(
    make('p', { class: 'kicker' }, named(report.namespace), ' / ', named(report.view)),
    make('h1', {}, named(report.name)),
    make('p', { class: 'lead' }, report.summary, `; best epoch ${figure(report.best.epoch)}, selected by ${report.best.selectedBy}.`),
    make('dl', { class: 'tiles' }, tiles),
    report.notes.map((note) => make('p', { class: 'note', dir: 'auto' }, note)),
  );
}

function showFacts(report) {
  const card = ({ title, rows }) => make('div', { class: 'panel' }, make('h3', {}, title),
    make('dl', { class: 'facts' }, rows.map(({ label, value }) =>
      make('div', {}, make('dt', {}, label), make('dd', {}, named(value))))));
  return section('trained', 'What was trained', 'Version', make('div', { class: 'columns' }, report.facts.map(card)), showOptions(report));
}

function showOptions({ options }) {
  const table = (rows) => scrolling('Options', make('table', { class: 'options' },
    make('thead', {}, make('tr', {}, ['Option', 'Value', 'Default'].map((head) => make('th', { scope: 'col' }, head)))),
    make('tbody', {}, rows.map(({ path: name, value, default: usual, changed }) =>
      make('tr', { class: changed ? 'changed' : null },
        make('th', { scope: 'row' }, make('code', {}, name)),
        make('td', {}, named(value)),
        make('td', { class: 'quiet' }, changed ? named(usual ?? 'none') : 'the same'))))));
  const changed = options.filter((option) => option.changed);
  const usual = options.filter((option) => !option.changed);
  return make('div', { class: 'panel' },
    make('h3', {}, `Options: ${changed.length} of ${options.length} differ from the default`),
    changed.length ? table(changed) : make('p', {}, 'Every option is as by default.'),
    usual.length ? make('details', {}, make('summary', {}, `${counted(usual.length, 'option')} as by default`), table(usual)) : null);
}

function showCurves({ epochs, best }) {
  if (!epochs.length) return section('curves', 'How the training went', 'Training', make('p', {}, 'No epoch has ended.'));
  const charts = [
    ['Loss', [{ key: 'trainLoss', name: 'training', style: 's1' }, { key: 'validationLoss', name: 'validation', style: 's2' }]],
    ['Metrics of the validation set', [{ key: 'validationAccuracy', name: 'accuracy', style: 's1' }, { key: 'validationMAP', name: 'mAP', style: 's2' }]],
    ['Learning rate', [{ key: 'learningRate', name: 'learning rate', style: 's3' }]],
  ]
    .filter(([, series]) => series.some(({ key }) => epochs.some((epoch) => epoch[key] !== null)))
    .map(([title, series]) => epochChart(title, epochs, best.epoch, series));
  const start = Math.max(0, epochs.findIndex((epoch) => epoch.epoch === best.epoch));
  const output = make('output', { for: 'epoch' });
  const slider = make('input', { type: 'range', id: 'epoch', min: 0, max: epochs.length - 1, step: 1, value: start });
  const move = () => {
    const place = Number(slider.value);
    const text = `${figure(epochs[place].epoch)}${place === start ? ', the best' : ''}`;
    output.textContent = text;
    slider.setAttribute('aria-valuetext', `epoch ${text}`);
    charts.forEach((chart) => chart.point(place));
  };
  slider.addEventListener('input', move);
  slider.value = start;
  move();
  const heads = ['Epoch', 'Learning rate', 'Training loss', 'Validation loss', 'Accuracy', 'mAP', 'Seconds'];
  const rows = epochs.map((each) => [each.epoch, each.learningRate, each.trainLoss, each.validationLoss,
    each.validationAccuracy, each.validationMAP, each.seconds].map(figure));
  return section('curves', 'How the training went', 'Training',
    make('p', { class: 'row' }, make('label', { for: 'epoch' }, 'Figures at epoch'), slider, output,
      make('span', { class: 'quiet' }, draw('svg', { viewBox: '0 0 8 16', class: 'key tall', 'aria-hidden': 'true' },
        draw('line', { class: 'best', x1: 4, x2: 4, y1: 0, y2: 16 })), ` best epoch, ${figure(best.epoch)}`)),
    make('div', { class: 'columns' }, charts.map((chart) => chart.element)),
    numbersOf('Each epoch in numbers', heads, rows));
}

function showSnippets({ snippets }) {
  const block = ({ title, note, text }) => {
    const pre = make('pre', { tabindex: 0, dir: 'ltr', 'aria-label': title }, make('code', {}, text));
    const button = make('button', { type: 'button', 'aria-label': `Copy: ${title}`, onclick: () => copy(pre, text, button) }, 'Copy');
    return make('div', { class: 'panel snippet' },
      make('div', { class: 'row apart' }, make('h3', {}, title), button), make('p', { class: 'quiet' }, note), pre);
  };
  return section('again', 'Use it, and train it again', 'Use', make('div', { class: 'columns two' }, snippets.slice(0, -1).map(block)), block(snippets.at(-1)));
}

async function copy(pre, text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {
    getSelection().selectAllChildren(pre);
    button.textContent = 'Selected';
  }
  say(button.textContent);
}
