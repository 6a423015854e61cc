// Brings the page to life.

const report = JSON.parse(document.getElementById('data').textContent);
const main = document.getElementById('main');
document.title = `${report.name}: report`;
showHead(report);
main.append(showFacts(report), showCurves(report));
if (report.evaluated) main.append(workplace());
main.append(showSnippets(report));

/** Return the sections that the concept and the thresholds change, below the bar that chooses them. */
function workplace() {
  const { concepts } = report.evaluated;
  const state = {
    thresholds: concepts.map((concept) => concept.threshold),
    concept: concepts.length === 1 ? 0 : null,
    cell: null,
    tab: 'all',
    order: 'doubt',
    boxes: { found: true, truth: true },
    shown: AT_ONCE,
  };
  let decided = decide(report, state.thresholds);
  let waiting = null;
  const changed = (what, from = null) => {
    if (!['more', 'boxes'].includes(what)) state.shown = AT_ONCE;
    if (['threshold', 'reset'].includes(what)) decided = null;
    if (['concept', 'reset'].includes(what)) from = null;
    bar.show(from);
    if (what === 'threshold') {
      // One drawing a frame, however fast the slider moves.
      waiting ??= requestAnimationFrame(() => show(what));
    } else show(what);
  };
  const show = (what) => {
    waiting = null;
    decided ??= decide(report, state.thresholds);
    sections.forEach((each) => each.show(decided));
    const found = gallery.show(decided);
    const total = together(state.concept === null ? decided.counts : [decided.counts[state.concept]]);
    const { precision, recall, f1 } = rates(total);
    bar.verdict(`precision ${share(precision)} · recall ${share(recall)} · F1 ${share(f1)}`);
    if (what && what !== 'threshold') say(counted(found, 'picture'));
    if (what === 'cell' && state.cell) document.getElementById('pictures').scrollIntoView({ block: 'start' });
  };
  const bar = controls(report, state, changed);
  const sections = [conceptsSection(report, state, changed), matrixSection(report, state, changed)];
  const gallery = gallerySection(report, state, changed);
  bar.show(null);
  const work = make('div', { class: 'work' }, bar.element, sections.map((each) => each.element), gallery.element);
  show(null);
  return work;
}
