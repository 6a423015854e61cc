// Drawings of numbers, each with its words and a table for those who do not see it.

const CHART = { width: 380, height: 230, left: 50, right: 14, top: 12, bottom: 42 };

/** Return round numbers from below the least to above the greatest. */
function ticks(least, greatest, wanted = 4) {
  if (least === greatest) [least, greatest] = least ? [least - Math.abs(least) / 2, least + Math.abs(least) / 2] : [0, 1];
  const rough = (greatest - least) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough * 0.999);
  const first = Math.floor(least / step + 1e-9);
  const last = Math.ceil(greatest / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, place) => Number(((first + place) * step).toPrecision(12)));
}

/** Return a frame with axes: the drawing, where its points go, and the layer for them. */
function frame(label, xTicks, yTicks, names = {}, size = CHART) {
  const { width, height, left, right, top, bottom } = size;
  const [x0, x1] = [xTicks[0], xTicks.at(-1)];
  const [y0, y1] = [yTicks[0], yTicks.at(-1)];
  const x = (value) => left + ((value - x0) / (x1 - x0 || 1)) * (width - left - right);
  const y = (value) => height - bottom - ((value - y0) / (y1 - y0 || 1)) * (height - top - bottom);
  const layer = draw('g');
  const svg = draw(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label, class: 'chart' },
    yTicks.map((tick) => [
      draw('line', { class: 'grid', x1: left, x2: width - right, y1: y(tick), y2: y(tick) }),
      draw('text', { x: left - 7, y: y(tick) + 4, class: 'tick end' }, figure(tick)),
    ]),
    xTicks.map((tick) => draw('text', { x: x(tick), y: height - bottom + 17, class: 'tick middle' }, figure(tick))),
    names.x ? draw('text', { x: (left + width - right) / 2, y: height - 6, class: 'middle' }, names.x) : null,
    names.y ? draw('text', { x: left - 30, y: top - 13 }, names.y) : null,
    layer,
  );
  return { svg, x, y, layer };
}

/** Return the path through the points that are there. */
function path(xs, ys, x, y) {
  let pen = 'M';
  return ys
    .map((value, place) => {
      if (value === null || value === undefined) {
        pen = 'M';
        return '';
      }
      const step = `${pen}${x(xs[place]).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = 'L';
      return step;
    })
    .join('');
}

/** Return a chart over the epochs, the best one marked; `point` moves its mark to another epoch. */
function epochChart(title, epochs, best, series) {
  const xs = epochs.map((epoch) => epoch.epoch);
  const known = series.filter(({ key }) => epochs.some((epoch) => epoch[key] !== null));
  const values = known.flatMap(({ key }) => epochs.map((epoch) => epoch[key])).filter((value) => value !== null);
  const xTicks = epochs.length > 1 ? wholeTicks(xs) : [xs[0] - 0.5, xs[0], xs[0] + 0.5];
  const spoken = known.map(({ key, name }) => `${name} ${figure(epochs.find((each) => each.epoch === best)?.[key] ?? null)}`);
  const label = `${title} over ${counted(epochs.length, 'epoch')}. At the best epoch, ${figure(best)}: ${spoken.join(', ')}.`;
  const { svg, x, y, layer } = frame(label, xTicks, ticks(Math.min(...values), Math.max(...values)), { x: 'epoch' });
  const cursor = draw('line', { class: 'cursor', y1: CHART.top, y2: CHART.height - CHART.bottom });
  const dots = known.map(({ style }) => draw('circle', { class: `dot ${style}`, r: 4 }));
  layer.append(
    draw('line', { class: 'best', x1: x(best), x2: x(best), y1: CHART.top, y2: CHART.height - CHART.bottom }),
    ...known.map(({ key, style }) =>
      draw('path', { class: `line ${style}`, d: path(xs, epochs.map((epoch) => epoch[key]), x, y) }),
    ),
    cursor,
    ...dots,
  );
  const outputs = known.map(() => make('b'));
  const legend = make('ul', { class: 'legend' }, known.map(({ name, style }, place) =>
    make('li', {}, draw('svg', { viewBox: '0 0 22 8', class: 'key', 'aria-hidden': 'true' },
      draw('line', { class: `line ${style}`, x1: 0, x2: 22, y1: 4, y2: 4 })), name, ' ', outputs[place])));
  const point = (place) => {
    const at = x(xs[place]);
    cursor.setAttribute('x1', at);
    cursor.setAttribute('x2', at);
    known.forEach(({ key }, number) => {
      const value = epochs[place][key];
      dots[number].setAttribute('visibility', value === null ? 'hidden' : 'visible');
      if (value !== null) {
        dots[number].setAttribute('cx', at);
        dots[number].setAttribute('cy', y(value));
      }
      outputs[number].textContent = figure(value);
    });
  };
  return { element: make('figure', { class: 'panel' }, make('figcaption', {}, title), legend, svg), point };
}

function wholeTicks(xs) {
  const [first, last] = [xs[0], xs.at(-1)];
  const step = Math.max(1, Math.ceil((last - first) / 8));
  const whole = [first];
  for (let tick = Math.ceil(first / step) * step; tick < last; tick += step) {
    if (tick > first && last - tick >= step / 2) whole.push(tick);
  }
  return [...whole, last];
}

const UNIT_TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];
const SQUARE = { width: 420, height: 360, left: 38, right: 16, top: 28, bottom: 42 };
const STYLES = ['s1', 's2', 's3', 's4', 's5', 's6'];

/** Return precision over recall of each concept; the chosen one stands out, with the point of its threshold. */
function precisionRecall(concepts, chosen, points) {
  const many = concepts.length > STYLES.length;
  const label = chosen === null
    ? `Precision over recall of ${counted(concepts.length, 'concept')}.`
    : `Precision over recall of ${concepts[chosen].name}; at its threshold precision ${share(points[chosen].precision)}, recall ${share(points[chosen].recall)}.`;
  const { svg, x, y, layer } = frame(label, UNIT_TICKS, UNIT_TICKS, { x: 'recall', y: 'precision' }, SQUARE);
  const order = concepts.map((_, place) => place).filter((place) => place !== chosen);
  if (chosen !== null) order.push(chosen);
  for (const place of order) {
    const { curve } = concepts[place];
    const faint = chosen === null ? many : place !== chosen;
    const style = faint ? 'faint' : chosen === null ? STYLES[place] : 's1';
    if (curve) layer.append(draw('path', { class: `line ${style}`, d: path(curve.recall, curve.precision, x, y) }));
    const { precision, recall } = points[place];
    if (!faint && precision !== null && recall !== null) {
      layer.append(draw('circle', { class: `dot ${style}`, r: 5, cx: x(recall), cy: y(precision) }));
    }
  }
  const key = chosen === null ? (many ? [] : order) : [chosen];
  const legend = make('ul', { class: 'legend' }, key.map((place) =>
    make('li', {}, draw('svg', { viewBox: '0 0 22 8', class: 'key', 'aria-hidden': 'true' },
      draw('line', { class: `line ${chosen === null ? STYLES[place] : 's1'}`, x1: 0, x2: 22, y1: 4, y2: 4 })),
    named(concepts[place].name))));
  if (many && chosen === null) legend.append(make('li', {}, 'Choose a concept to see its own curve.'));
  return [legend, svg];
}

/** Return the share of right ones over the score: on the diagonal, a score is a probability. */
function reliability(calibration) {
  const label = `Share of right ones over the mean score in ${counted(calibration.bins.length, 'bin')}; expected calibration error ${share(calibration.error)}.`;
  const { svg, x, y, layer } = frame(label, UNIT_TICKS, UNIT_TICKS, { x: 'score', y: 'share of right ones' }, SQUARE);
  for (const bin of calibration.bins) {
    const [left, right] = [x(bin.lower) + 1, x(bin.upper) - 1];
    const [top, expected] = [y(bin.right), y(bin.score)];
    const ground = Math.max(top, expected);
    layer.append(
      draw('rect', { class: 'bar', x: left, width: right - left, y: ground, height: y(0) - ground }),
      draw('rect', { class: bin.right < bin.score ? 'gap over' : 'gap', x: left, width: right - left, y: Math.min(top, expected), height: Math.abs(top - expected) }),
    );
  }
  layer.append(draw('line', { class: 'diagonal', x1: x(0), y1: y(0), x2: x(1), y2: y(1) }));
  return svg;
}

/** Return a table of numbers, behind a switch. */
function numbersOf(summary, heads, rows) {
  const table = make('table', { class: 'numbers' },
    make('thead', {}, make('tr', {}, heads.map((head) => make('th', { scope: 'col' }, head)))),
    make('tbody', {}, rows.map((row) => make('tr', {}, row.map((cell) => make('td', {}, cell))))));
  return make('details', {}, make('summary', {}, summary), scrolling(summary, table));
}
