// Uses a page of `loom plan --format html` as a person would, and says in the document what did not hold.
'use strict';
(async () => {
  const wrong = [];
  const holds = (what, is) => { if (!is) wrong.push(what); };
  const rows = () => [...document.querySelectorAll('.change')];
  const pause = () => new Promise((done) => setTimeout(done, 50));
  const press = (key) => (document.activeElement || document.body).dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  const field = document.getElementById('text');
  const type = (text) => { field.value = text; field.dispatchEvent(new Event('input')); };
  const data = JSON.parse(document.getElementById('plan').textContent);

  holds('there are rows', rows().length > 0);
  holds('rows are made as they are needed', rows().length <= 1000);
  holds('the title is the plan', document.title.startsWith('Plan: '));

  rows()[0].open = true;
  await pause();
  holds('a row opens', rows()[0].querySelector('.body') !== null);
  const update = rows().find((row) => row.classList.contains('update'));
  if (update) {
    update.open = true;
    await pause();
    const line = update.querySelector('.diff tr:has(.removed):has(.added)');
    holds('what goes stands beside what comes', line !== null);
    holds('what differs within a line is marked', line && line.querySelector('.removed mark') && line.querySelector('.added mark'));
  }

  const last = data.changes[data.changes.length - 1];
  type(last.path);
  holds('a search finds the last change', rows().some((row) => row.querySelector('.path').textContent.includes(last.path)));
  type('no such text anywhere');
  holds('a search for nothing finds nothing', rows().length === 0);
  press('Escape');
  holds('Escape shows everything again', rows().length > 0 && field.value === '');

  press('j');
  holds('j goes to the first row', document.activeElement === rows()[0].querySelector('summary'));
  press('j');
  press('k');
  holds('k goes back', document.activeElement === rows()[0].querySelector('summary'));
  press('g');
  holds('g opens the graph', document.getElementById('graph').open || data.head.boxes === 0);
  press('/');
  holds('/ goes to the search', document.activeElement === field);
  field.blur();

  const select = document.getElementById('kind');
  if (!select.hidden) {
    select.value = select.options[1].value;
    select.dispatchEvent(new Event('change'));
    holds('a kind is a filter', rows().length > 0 && rows().every((row) => row.querySelector('.address').textContent.startsWith(select.value)));
    press('Escape');
  }
  if (data.head.upgrades.length) {
    const line = document.querySelector('.upgrade');
    holds('an upgrade stands under its own line', line !== null && line.textContent === data.head.upgrades[0] && line.nextElementSibling.classList.contains('change'));
    const reason = document.getElementById('reason');
    holds('the reason is a filter', !reason.hidden);
    reason.value = data.head.upgrades[0];
    reason.dispatchEvent(new Event('change'));
    holds('an upgrade is shown alone', rows().length === data.changes.filter((change) => change.upgrade === 0).length);
    press('Escape');
  }
  const svg = document.querySelector('#picture svg');
  if (svg) {
    const before = svg.getAttribute('viewBox');
    document.querySelector('[data-zoom="0.8"]').click();
    holds('the graph can be zoomed', svg.getAttribute('viewBox') !== before);
    const node = svg.querySelector('[data-node]');
    node.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    holds('a box of the graph is a filter', field.value === node.dataset.node);
    press('Escape');
  }

  for (const row of rows()) row.open = true;
  await pause();
  holds('nothing that somebody wrote is markup', document.querySelectorAll('main script, main img, main iframe, svg script, svg image').length === 0);
  holds('nothing that somebody wrote runs', typeof window.hacked === 'undefined');
  holds('nothing is loaded from elsewhere', performance.getEntriesByType('resource').length === 0);
  document.body.dataset.result = wrong.length ? wrong.join('; ') : 'ok';
})().catch((error) => { document.body.dataset.result = String(error); });
