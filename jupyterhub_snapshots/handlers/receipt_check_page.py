"""The page on which a receipt is checked; it loads nothing, and talks to this service alone."""

from __future__ import annotations

from html import escape

from .receipt_pages import BASE_STYLE, top

CHECK_STYLE = (
    BASE_STYLE
    + """
body { max-width: 44rem; }
form { margin: 1.5rem 0; padding: 1rem; background: var(--panel); border: 1px solid var(--line);
  border-radius: .5rem; display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; }
label { display: block; font-weight: 600; margin-bottom: .3rem; }
form > div { flex: 1 1 18rem; } input { max-width: 100%; font: inherit; }
button { font: inherit; font-weight: 600; padding: .5rem 1.4rem; }
#verdict { font-size: 1.25rem; font-weight: 700; margin: 1rem 0 .3rem; }
#findings { list-style: none; padding: 0; margin: .5rem 0; }
#findings li { padding: .45rem 0 .45rem 2rem; border-top: 1px solid var(--line);
  position: relative; }
#findings li::before { position: absolute; left: .3rem; font-weight: 700; content: "·"; }
.good { color: var(--good); } .bad { color: var(--bad); }
#findings .good::before { content: "✓" / "holds:"; } #findings .bad::before {
  content: "✗" / "does not hold:"; }
#findings .good, #findings .bad { color: inherit; }
#findings .good::before { color: var(--good); } #findings .bad::before { color: var(--bad); }
main > p:last-of-type { margin-top: 2rem; }
#paths { max-height: 20rem; overflow: auto; padding-left: 1.5rem; }
#paths li { unicode-bidi: isolate; white-space: pre-wrap; overflow-wrap: anywhere; }
[hidden] { display: none !important; }
"""
)
SCRIPT = """
'use strict';
const at = id => document.getElementById(id);
const form = at('form'), button = at('check'), verdict = at('verdict');
const show = (node, on) => { node.hidden = !on; };
const list = (node, lines, kind) => node.replaceChildren(...lines.map(line => {
  const item = document.createElement('li');
  item.textContent = kind ? line.text : line;
  if (kind) item.className = line.kind;
  return item;
}));
const clear = () => {
  verdict.textContent = '';
  for (const id of ['findings', 'differing', 'says']) show(at(id), false);
};
const conclude = (text, good) => {
  verdict.textContent = text;
  verdict.className = good === null ? '' : good ? 'good' : 'bad';
};
const fact = (label, value) => {
  const name = document.createElement('dt'), text = document.createElement('dd');
  name.textContent = label;
  text.textContent = value;
  return [name, text];
};
const instant = (text, timeZone) => {
  try {
    return new Date(text).toLocaleString('en-GB',
      {timeZone, dateStyle: 'long', timeStyle: 'long'});
  } catch { return text; }
};
const tellWhatItSays = (receipt, proven) => {
  const {course, student, snapshot, assignment} = receipt;
  const person = student.name ? `${student.name} (${student.username})` : student.username;
  at('saysTitle').textContent = proven ? 'What the receipt says'
    : 'What the receipt says, without proof';
  at('facts').replaceChildren(...[
    ['Student', person],
    ['Course', `${course.title} (${course.code})`],
    ['Assignment', assignment ? assignment.title : 'none'],
    ['Snapshot', snapshot.name],
    ['Deadline', snapshot.deadline ? instant(snapshot.deadline, course.timeZone) : 'none'],
    ['Taken', instant(snapshot.beganAt, course.timeZone)],
    ['Files', `${receipt.files}`],
    ['Changed after the deadline', receipt.lateFiles === null ? 'no deadline is known'
      : `${receipt.lateFiles}`],
    ['Issued by', receipt.service],
  ].flatMap(([label, value]) => fact(label, value)));
  show(at('says'), true);
};
const kinds = {valid: 'good', match: 'good', matches: 'good',
  invalid: 'bad', unknown_key: 'bad', differ: 'bad', differs: 'bad'};
form.addEventListener('submit', async event => {
  event.preventDefault();
  clear();
  const file = form.elements.receipt.files[0];
  if (!file) { conclude('Choose the file of a receipt first.', false); return; }
  if (file.size > Number(form.dataset.limit)) {
    conclude('This file is too large to be checked here. Use the command '
      + 'jupyterhub-snapshots verify-receipt.', false);
    return;
  }
  button.disabled = true;
  conclude('Checking… The stored files are read again, which may take a while.', null);
  try {
    const response = await fetch('receipts/check', {method: 'POST', body: file, headers:
      {'Content-Type': 'application/json', 'X-XSRFToken': form.dataset.xsrf}});
    const answer = await response.json();
    if (!response.ok) { conclude(answer.message, false); return; }
    const {signature, files, stored} = answer;
    const genuine = signature === 'valid' && files === 'match';
    conclude(!genuine ? 'This receipt can\\u2019t be trusted.'
      : stored === 'differs'
        ? 'The receipt is genuine, but the stored snapshot is not what it says.'
      : stored === 'matches'
        ? 'The receipt is genuine, and the stored snapshot is what it says.'
      : 'The receipt is genuine.', genuine && stored !== 'differs');
    list(at('findings'), answer.findings.map((text, number) =>
      ({text, kind: kinds[[signature, files, stored][number]] || ''})), true);
    show(at('findings'), true);
    if (answer.differences.length) {
      at('differingTitle').textContent = answer.truncated
        ? `These files differ, and more than these ${answer.differences.length}`
        : `These files differ: ${answer.differences.length}`;
      list(at('paths'), answer.differences, false);
      show(at('differing'), true);
    }
    tellWhatItSays(JSON.parse(await file.text()), genuine);
  } catch {
    conclude('The check failed: the service did not answer. '
      + 'Load this page again and retry.', false);
  } finally {
    button.disabled = false;
  }
});
form.elements.receipt.addEventListener('change', clear);
"""


def check_page(xsrf_token: str, limit_bytes: int) -> str:
    """The page on which a receipt is checked."""
    return (
        f"{top('Check a receipt', CHECK_STYLE)}<main><h1>Check a receipt</h1>"
        "<p>A receipt proves which files a snapshot held, and when it was taken. Choose the file "
        "that was downloaded (its name ends in <code>-receipt.json</code>). It is sent to this "
        "service alone, which keeps nothing of it.</p>"
        f'<form id="form" data-xsrf="{escape(xsrf_token)}" data-limit="{limit_bytes}"><div>'
        '<label for="receipt">Receipt</label>'
        '<input type="file" id="receipt" name="receipt" accept=".json,application/json"></div>'
        '<button id="check">Check</button></form>'
        "<noscript><p>This page needs JavaScript. The command <code>jupyterhub-snapshots "
        "verify-receipt</code> does the same without.</p></noscript>"
        '<div id="result" role="status" aria-live="polite"><p id="verdict"></p>'
        '<ul id="findings" hidden></ul>'
        '<section id="differing" hidden aria-labelledby="differingTitle">'
        '<h2 id="differingTitle"></h2>'
        '<ul id="paths" tabindex="0" aria-labelledby="differingTitle"></ul></section></div>'
        '<section id="says" hidden aria-labelledby="saysTitle"><h2 id="saysTitle"></h2>'
        '<dl id="facts"></dl></section>'
        '<p class="quiet">For programs: <a href="receipts/key">the public key</a></p>'
        f"</main><script>{SCRIPT}</script></html>\n"
    )
