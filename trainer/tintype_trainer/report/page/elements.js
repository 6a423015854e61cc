// Elements and numbers. Text of users becomes text nodes and attributes alone, never markup.

const DRAWING = 'http://www.w3.org/2000/svg';
const NOTHING = '–';

/** Return an element; attributes that start with "on" are listeners, null and false ones are left out. */
function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Return an element of a drawing, as `make` does. */
function draw(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(DRAWING, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/** Return a name as its own direction of writing has it, whatever stands around it. */
function named(text) {
  return make('bdi', {}, text);
}

/** Return a section with its heading, listed by a short name among the parts of the report. */
function section(id, title, short, ...children) {
  const heading = make('h2', { id: `${id}-title` }, title);
  document.getElementById('parts').append(make('li', {}, make('a', { href: `#${id}` }, short)));
  return make('section', { id, 'aria-labelledby': `${id}-title` }, heading, ...children);
}

/** Return a figure with its label, and what is said beside it. */
function tile({ label, value, detail }, big = false) {
  return make('div', { class: big ? 'tile big' : 'tile' }, make('dt', {}, label),
    make('dd', {}, named(value), detail ? make('span', { class: 'detail' }, detail) : null));
}

/** Return what is wider than a small screen in a part that scrolls by itself, by keyboard too. */
function scrolling(label, child) {
  return make('div', { class: 'scroll', role: 'region', 'aria-label': label, tabindex: 0 }, child);
}

/** Return a number from 0 to 1 for people. */
function share(number) {
  return number === null || number === undefined ? NOTHING : number.toFixed(3);
}

/** Return any number for people, in about four digits. */
function figure(number) {
  if (number === null || number === undefined) return NOTHING;
  if (number === 0) return '0';
  return Math.abs(number) < 0.001 ? number.toExponential(2) : String(Number(number.toPrecision(4)));
}

/** Return a count with its word. */
function counted(count, word) {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
}

/** Tell those who hear the page. */
function say(text) {
  document.getElementById('said').textContent = text;
}

/** Return a quotient; null of nothing. */
function quotient(part, whole) {
  return whole ? part / whole : null;
}
