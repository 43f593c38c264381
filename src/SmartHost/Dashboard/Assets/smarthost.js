// Liveness, and nothing else: every page works without this file.
// The server says that something changed; the page fetches itself again and swaps the parts marked data-live.
'use strict';

const live = () => document.querySelectorAll('[data-live]');

// A part that somebody is using is left alone: an open confirmation, a focused field, selected text.
function isInUse(part) {
  const focused = part.contains(document.activeElement) && document.activeElement.matches('input, textarea, select');
  const selection = document.getSelection();
  const selected = selection && !selection.isCollapsed && part.contains(selection.anchorNode);
  return focused || selected || part.querySelector('details.confirm[open]') !== null;
}

// The way from the part down to the focused link or button, so that a keyboard does not lose its place.
function focusedAt(part) {
  const all = [...part.querySelectorAll('a, button, summary')];
  return all.indexOf(document.activeElement);
}

let refreshing = false, again = false;
async function refresh() {
  // What changes while an answer is on its way may not be in it: then once more.
  again = true;
  if (refreshing) return;
  refreshing = true;
  try {
    while (again && !document.hidden && live().length > 0) {
      again = false;
      await swap();
    }
  } catch {
    // The server restarts, or the network is away: the next word from it will tell.
    say('no-news');
  } finally {
    refreshing = false;
  }
}

// A page that is not renewed must not pass for what is true now.
function say(word) {
  for (const id of ['no-news', 'signed-out']) document.getElementById(id).hidden = id !== word;
}

async function swap() {
  const answer = await fetch(location.href, { headers: { Accept: 'text/html' }, redirect: 'manual' });
  // From 500 on who answers does not know how things are; below, this page is what a form left behind, and has no newer one.
  say(answer.type === 'opaqueredirect' ? 'signed-out' : answer.status >= 500 ? 'no-news' : null);
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const part of live()) {
    const next = fresh.getElementById(part.id);
    if (!next || isInUse(part)) continue;
    // What somebody has unfolded stays so.
    for (const unfolded of part.querySelectorAll('details[open][id]')) next.querySelector('#' + unfolded.id)?.setAttribute('open', '');
    if (next.innerHTML === part.innerHTML) continue;
    const focus = focusedAt(part);
    part.replaceChildren(...next.childNodes);
    if (focus >= 0) part.querySelectorAll('a, button, summary')[focus]?.focus({ preventScroll: true });
  }
}

function follow() {
  const sign = document.getElementById('live');
  const source = new EventSource('/events');
  // What happened between the page's making and this moment, nobody has told it.
  source.onopen = () => { sign.hidden = false; refresh(); };
  source.onmessage = refresh;
  source.onerror = () => {
    sign.hidden = true;
    refresh();
    // Closed for good (no room, or signed out): ask now and then.
    if (source.readyState === EventSource.CLOSED) setInterval(refresh, 15000);
  };
  addEventListener('pagehide', () => source.close());
  // A page that a browser kept and shows again is old, and follows nothing any more.
  addEventListener('pageshow', event => { if (event.persisted) location.reload(); });
  document.addEventListener('visibilitychange', refresh);
}

// Whoever follows a link from a mail arrives without the cookie, which is sent on our own pages' requests alone.
async function alreadySignedIn(form) {
  const answer = await fetch('/sign-in', { redirect: 'manual' });
  if (answer.type === 'opaqueredirect') location.replace(form.dataset.signIn);
}

const form = document.querySelector('form[data-sign-in]');
if (form) alreadySignedIn(form).catch(() => {});
else if (live().length > 0) follow();
