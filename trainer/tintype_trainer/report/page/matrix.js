// Which concept is taken for which: a table whose cells open the pictures in them.

/** Return the section of the matrix; `show` brings it up to date. */
function matrixSection(report, state, changed) {
  const tagging = report.viewType === 'Tagging';
  const table = make('table', { class: 'matrix' });
  table.addEventListener('keydown', (event) => walk(event, table));
  const explained = {
    Classification: 'Rows are annotated, columns decided; “none” is a highest score below its threshold.',
    Tagging: 'Each concept for itself: what was annotated, and what was decided at its threshold.',
    Detection: 'Rows are annotated, columns decided; a box that nobody found is “missed”, a detection on nothing “nothing there”.',
  }[report.viewType];
  const element = section('matrix', tagging ? 'Right and wrong decisions' : 'Confusion matrix', 'Matrix',
    make('p', { class: 'quiet' }, explained, ' Each number opens its pictures; arrow keys walk through them.'),
    scrolling('Matrix', table));
  const show = (decided) => {
    const at = document.activeElement?.dataset?.cell;
    const { heads, rows } = tagging ? tagRows(report, decided) : conceptRows(report, decided);
    const cell = ({ key, count, share: part, kind, label, open }) => {
      const pressed = state.cell?.key === key;
      const td = make('td', { class: count ? kind : 'empty' }, count
        ? make('button', { type: 'button', 'data-cell': key, 'aria-label': `${label}: ${count}`, 'aria-pressed': String(pressed), tabindex: -1,
          onclick: () => { state.cell = pressed ? null : { key, label, ...open }; changed('cell'); } }, count.toLocaleString('en'))
        : make('span', { 'aria-label': `${label}: 0` }, '·'));
      td.style.setProperty('--share', part);
      return td;
    };
    table.classList.toggle('crowded', heads.length > 8);
    table.replaceChildren(
      make('caption', { class: 'unseen' }, explained),
      make('thead', {}, make('tr', {}, make('td', { class: 'corner' }, tagging ? [] : ['decided →', make('br'), 'annotated ↓']),
        heads.map((head) => make('th', { scope: 'col', title: head.user ? head.text : null },
          make('span', { class: tagging ? null : 'tilted', dir: 'auto' }, head.text))))),
      make('tbody', {}, rows.map(({ head, cells }) => make('tr', {},
        make('th', { scope: 'row', title: head.text }, make('span', { dir: 'auto' }, head.text)), cells.map(cell)))));
    const buttons = [...table.querySelectorAll('button')];
    const current = buttons.find((button) => button.dataset.cell === (at ?? state.cell?.key)) ?? buttons[0];
    current?.setAttribute('tabindex', 0);
    if (at !== undefined) current?.focus();
  };
  return { element, show };
}

function conceptRows(report, decided) {
  const { concepts } = report.evaluated;
  const detection = report.viewType === 'Detection';
  const columns = [...concepts.map(({ name }) => ({ text: name, user: true })), { text: detection ? 'missed' : 'none' }];
  const lines = [...concepts.map(({ name }) => ({ text: name, user: true })), ...(detection ? [{ text: 'nothing there' }] : [])];
  const counts = lines.map(() => columns.map(() => 0));
  for (const { annotated, decided: chosen } of decided.outcomes.flat()) {
    counts[annotated ?? concepts.length][chosen ?? concepts.length] += 1;
  }
  const rows = lines.map((head, row) => {
    const total = counts[row].reduce((sum, count) => sum + count, 0);
    return { head, cells: columns.map((column, place) => ({
      key: `${row} ${place}`,
      count: counts[row][place],
      share: quotient(counts[row][place], total) ?? 0,
      kind: row === place ? 'right' : 'wrong',
      label: `annotated ${head.text}, decided ${column.text}`,
      open: { annotated: row < concepts.length ? row : null, decided: place < concepts.length ? place : null, concept: null },
    })) };
  });
  return { heads: columns, rows };
}

function tagRows(report, decided) {
  const { concepts, examples } = report.evaluated;
  const total = examples.ids.length;
  const heads = ['decided for, rightly', 'decided for, wrongly', 'missed', 'left out, rightly'];
  const rows = concepts.map(({ name }, place) => {
    const { right, wrong, missed } = decided.counts[place];
    const counts = [right, wrong, missed, total - right - wrong - missed];
    const opens = [[place, place], [null, place], [place, null], [null, null]];
    return { head: { text: name, user: true }, cells: counts.map((count, column) => ({
      key: `${place} ${column}`, count, share: quotient(count, total) ?? 0, kind: column % 3 ? 'wrong' : 'right',
      label: `${name}, ${heads[column]}`, open: { annotated: opens[column][0], decided: opens[column][1], concept: place, absent: column === 3 },
    })) };
  });
  return { heads: ['Decided for, rightly', 'Decided for, wrongly', 'Missed', 'Left out, rightly'].map((text) => ({ text })), rows };
}

/** Move the focus among the cells that have pictures. */
function walk(event, table) {
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
  const start = event.target.closest('td');
  if (!step || !start) return;
  event.preventDefault();
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells]);
  let row = rows.findIndex((cells) => cells.includes(start));
  let column = rows[row].indexOf(start);
  do {
    row += step[0];
    column += step[1];
  } while (rows[row]?.[column] && !rows[row][column].querySelector('button'));
  const button = rows[row]?.[column]?.querySelector('button');
  if (!button) return;
  table.querySelectorAll('button').forEach((each) => each.setAttribute('tabindex', -1));
  button.setAttribute('tabindex', 0);
  button.focus();
}
