'use strict';
// Makes elements of the plan's data. Text is only ever set as text, never as markup.
const { head, changes } = JSON.parse(document.getElementById('plan').textContent);
const $ = (id) => document.getElementById(id);
const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

// How many rows are made at once; the others follow when somebody scrolls to them.
const ROWS = 200;
const wanted = { action: '', kind: '', service: '', story: '', reason: '', text: '' };
let found = [];
let made = 0;
// the upgrade under whose heading the last row stands
let under;

// Why a change is in the plan: somebody asked for it, or it came with a newer loom.
const reason = (change) => (change.upgrade === undefined ? 'Asked for' : head.upgrades[change.upgrade]);
const searchable = changes.map((change) => [change.path, change.from || '', change.address, ...change.causes].join('\n').toLowerCase());

function matches(change, index) {
  return (!wanted.action || change.action === wanted.action)
    && (!wanted.kind || change.kind === wanted.kind)
    && (!wanted.service || change.service === wanted.service)
    && (!wanted.story || change.stories.includes(wanted.story))
    && (!wanted.reason || reason(change) === wanted.reason)
    && (!wanted.text || searchable[index].includes(wanted.text.toLowerCase()));
}

function show() {
  found = changes.filter(matches);
  made = 0;
  under = undefined;
  $('list').replaceChildren();
  more();
  $('found').textContent = found.length === changes.length ? '' : `${found.length} of ${changes.length}`;
  for (const button of $('counts').querySelectorAll('button')) button.setAttribute('aria-pressed', String(button.dataset.action === wanted.action));
}

function more() {
  const next = found.slice(made, made + ROWS);
  made += next.length;
  const rows = next.flatMap((change) => [...heading(change), row(change)]);
  $('list').append(...rows);
  // a list that is shorter than the window shows no end to scroll to
  if (made < found.length && $('end').getBoundingClientRect().top < innerHeight) requestAnimationFrame(more);
}

// What came with a newer loom alone stands behind the rest, each upgrade under its own line.
function heading(change) {
  if (change.upgrade === under) return [];
  under = change.upgrade;
  return [element('h2', { class: 'upgrade' }, reason(change))];
}

function row(change) {
  const path = change.from ? `${change.from} → ${change.path}` : change.path;
  const line = element('summary', {},
    element('span', { class: 'mark', title: change.action }, change.mark),
    element('span', { class: 'path' }, path),
    element('span', { class: 'lines' }, change.lines),
    element('code', { class: 'address' }, change.address));
  const made = element('details', { class: `change ${change.action}` }, line);
  made.addEventListener('toggle', () => { if (made.open && !made.querySelector('.body')) made.append(body(change)); });
  return made;
}

function body(change) {
  const inside = element('div', { class: 'body' });
  const reasons = element('ul');
  for (const cause of change.causes) {
    const link = element('a', { href: '#' }, cause);
    link.title = 'Show every change with this cause';
    link.addEventListener('click', (event) => { event.preventDefault(); search(cause); });
    reasons.append(element('li', {}, change.action === 'conflict' ? cause : link));
  }
  for (const setting of change.settings) reasons.append(element('li', {}, element('code', {}, setting)));
  inside.append(reasons);
  if (change.instead) inside.append(element('p', {}, change.instead));
  if (change.hunks.length) inside.append(sides(change.hunks));
  for (const piece of change.by_hand || []) inside.append(element('p', {}, piece.says), element('pre', {}, piece.text));
  return inside;
}

// A difference side by side: lines that go stand beside those that come in their place.
function sides(hunks) {
  const columns = ['number', 'text', 'number', 'text'].map((name) => element('col', { class: name }));
  const table = element('table', { class: 'diff' }, element('colgroup', {}, ...columns));
  for (const hunk of hunks) {
    table.append(element('tr', { class: 'place' }, element('td', { colspan: 4 }, `line ${hunk.old} → line ${hunk.new}`)));
    let { old, new: fresh } = hunk;
    let removed = [];
    let added = [];
    const flush = () => {
      for (let at = 0; at < Math.max(removed.length, added.length); at += 1) {
        table.append(element('tr', {}, ...cells(removed[at], 'removed'), ...cells(added[at], 'added')));
      }
      removed = [];
      added = [];
    };
    for (const [mark, pieces] of hunk.lines) {
      if (mark === '-') { removed.push([old, pieces]); old += 1; continue; }
      if (mark === '+') { added.push([fresh, pieces]); fresh += 1; continue; }
      flush();
      table.append(element('tr', {}, ...cells([old, pieces], ''), ...cells([fresh, pieces], '')));
      old += 1;
      fresh += 1;
    }
    flush();
  }
  return table;
}

function cells(line, name) {
  if (!line) return [element('td', { class: 'number none' }), element('td', { class: 'none' })];
  const [number, pieces] = line;
  const text = pieces.map((piece, at) => (at % 2 ? element('mark', {}, piece) : piece));
  return [element('td', { class: 'number' }, String(number)), element('td', { class: name }, ...text)];
}

function search(text) {
  wanted.text = text;
  $('text').value = text;
  show();
  $('filters').scrollIntoView();
}

function clear() {
  for (const key of Object.keys(wanted)) wanted[key] = '';
  for (const id of ['text', 'kind', 'service', 'story', 'reason']) $(id).value = '';
  show();
}

function choices(id, title, of) {
  const values = [...new Set(changes.flatMap(of))].filter(Boolean).sort();
  $(id).append(element('option', { value: '' }, title), ...values.map((value) => element('option', { value }, value)));
  $(id).hidden = values.length < 2;
  $(id).addEventListener('change', () => { wanted[id] = $(id).value; show(); });
}

function begin() {
  const titles = { converged: 'Nothing to do', ready: `Plan: ${head.sentence}`, blocked: `Plan: ${head.sentence}`, compared: 'What this branch does' };
  $('title').textContent = document.title = titles[head.outcome];
  const lead = $('lead');
  if (head.basis) {
    $('basis').hidden = false;
    $('basis').querySelector('p').textContent = head.basis;
    $('basis').querySelector('ul').append(...head.changed.map((change) => element('li', {}, change)));
  }
  if (head.outcome === 'ready' && !head.digest) lead.append('Nobody can approve this plan: it has no digest.');
  if (head.outcome === 'ready' && head.digest) lead.append('Digest ', element('code', {}, head.digest), '. Apply it with ', element('code', {}, head.apply), '.');
  if (head.outcome === 'compared') lead.append(head.sentence);
  if (head.outcome === 'blocked') lead.append('Nothing can be applied before the conflicts are resolved.');
  const { outputs, unseen } = head.summary;
  if (head.outcome === 'converged') lead.append(unseen ? `${outputs - unseen} of ${outputs} files looked at, and as declared.` : `${outputs} files are as declared.`);
  if (head.warning) {
    $('warning').hidden = false;
    $('warning').textContent = head.warning;
  }
  const counts = new Map();
  for (const change of changes) counts.set(change.action, (counts.get(change.action) || 0) + 1);
  for (const [action, count] of counts) {
    const button = element('button', { type: 'button', 'data-action': action, class: action }, `${count} ${action}`);
    button.addEventListener('click', () => { wanted.action = wanted.action === action ? '' : action; show(); });
    $('counts').append(element('li', {}, button));
  }
  if (head.findings.length) {
    $('findings').hidden = false;
    $('findings').querySelector('p').textContent = head.denial || '';
    $('findings').querySelector('ul').append(...head.findings.map(([word, [first, ...more]]) => {
      const item = element('li', { class: word }, `${word}: ${first}`);
      if (more.length) item.append(element('ul', {}, ...more.map((line) => element('li', {}, line))));
      return item;
    }));
  }
  if (head.notes.length) {
    $('notes').hidden = false;
    $('notes').querySelector('summary').textContent = `Notes (${head.notes.length})`;
    $('notes').querySelector('ul').append(...head.notes.map(([sentence, names]) => element('li', {}, `${sentence}: ${names.join(', ')}`)));
  }
  choices('kind', 'every kind', (change) => [change.kind]);
  choices('service', 'every service', (change) => [change.service]);
  choices('story', 'every story', (change) => change.stories);
  choices('reason', 'every reason', (change) => [reason(change)]);
  $('filters').hidden = changes.length === 0;
  $('text').addEventListener('input', () => { wanted.text = $('text').value; show(); });
  $('clear').addEventListener('click', clear);
  $('list').after(element('div', { id: 'end' }));
  new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) more(); }, { rootMargin: '600px' }).observe($('end'));
  picture();
  show();
}

// The graph: dragged, zoomed, and clicked to see what changes of an artifact.
function picture() {
  const svg = $('picture').querySelector('svg');
  if (!svg) {
    $('graph').hidden = head.boxes === 0;
    $('zoom').hidden = true;
    $('picture').replaceWith(element('p', {}, `${head.boxes} artifacts are too many for a picture. For a part of it: loom graph --from ADDR --format svg`));
    return;
  }
  const whole = svg.viewBox.baseVal;
  let view = { x: 0, y: 0, width: whole.width, height: whole.height };
  const all = { ...view };
  const look = () => svg.setAttribute('viewBox', `${view.x} ${view.y} ${view.width} ${view.height}`);
  const zoom = (factor, x = 0.5, y = 0.5) => {
    const [width, height] = [view.width * factor, view.height * factor];
    view = { x: view.x + (view.width - width) * x, y: view.y + (view.height - height) * y, width, height };
    look();
  };
  svg.setAttribute('preserveAspectRatio', 'xMinYMin meet');
  $('picture').addEventListener('wheel', (event) => {
    event.preventDefault();
    const box = svg.getBoundingClientRect();
    zoom(event.deltaY > 0 ? 1.15 : 0.87, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }, { passive: false });
  for (const button of $('zoom').querySelectorAll('button')) {
    button.addEventListener('click', () => { const factor = Number(button.dataset.zoom); if (factor) zoom(factor); else { view = { ...all }; look(); } });
  }
  let from = null;
  let dragged = false;
  $('picture').addEventListener('pointerdown', (event) => { dragged = false; from = { x: event.clientX, y: event.clientY, view }; });
  addEventListener('pointerup', () => { from = null; });
  addEventListener('pointermove', (event) => {
    if (!from) return;
    // a hand that trembles still clicks
    dragged ||= Math.hypot(event.clientX - from.x, event.clientY - from.y) > 4;
    const scale = from.view.width / svg.getBoundingClientRect().width;
    view = { ...from.view, x: from.view.x - (event.clientX - from.x) * scale, y: from.view.y - (event.clientY - from.y) * scale };
    look();
  });
  for (const node of svg.querySelectorAll('[data-node]')) {
    node.setAttribute('tabindex', '0');
    node.setAttribute('role', 'link');
    const choose = () => search(node.dataset.node);
    node.addEventListener('click', () => { if (!dragged) choose(); });
    node.addEventListener('keydown', (event) => { if (event.key === 'Enter') choose(); });
  }
}

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 'Escape') { clear(); document.activeElement.blur(); return; }
  if (event.target.matches('input, select')) return;
  const lines = [...$('list').querySelectorAll('summary')];
  const at = lines.indexOf(document.activeElement);
  if (event.key === 'j') lines[Math.min(at + 1, lines.length - 1)]?.focus();
  else if (event.key === 'k') lines[Math.max(at - 1, 0)]?.focus();
  else if (event.key === 'g') $('graph').open = !$('graph').open;
  else if (event.key === 'o') { const rows = [...$('list').querySelectorAll('.change')]; const open = rows.every((it) => it.open); for (const it of rows) it.open = !open; }
  else if (event.key === '/') { event.preventDefault(); $('text').focus(); }
});

begin();
