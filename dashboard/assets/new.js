// The form of a new experiment: its address as it changes, what is asked when it has stopped changing; copying of code.
(function () {
  'use strict';

  var ns = (window.dash_clientside = window.dash_clientside || {});
  var PAUSE = 350; // ms without a change before the API is asked
  var timer = null, told = null;

  function set(id, props) { if (ns.set_props) ns.set_props(id, props); }

  function leave() {
    clearTimeout(timer);
    told = null;
  }
  window.addEventListener('_dashprivate_pushstate', function () {
    var within = told !== null && location.pathname === '/new';
    leave();
    // from one form to another: the router compares with an address that is older than ours
    if (within) set('_pages_location', { href: location.href, pathname: location.pathname, search: location.search, hash: location.hash });
  });
  window.addEventListener('popstate', leave);

  // --- the last draft that was not sent: kept by the browser, and offered on a blank form, never filled in by itself ---------------

  var KEPT = 'crosslift-draft';

  function keep(address) {
    try {
      if (address) localStorage.setItem(KEPT, JSON.stringify({ address: address, at: Date.now() }));
      else localStorage.removeItem(KEPT);
    } catch (error) { /* a browser that keeps nothing */ }
  }

  function kept() {
    try {
      var found = JSON.parse(localStorage.getItem(KEPT) || 'null');
      return found && /^\/new\?[^#]*$/.test(found.address) && found.at > 0 ? found : null;
    } catch (error) { return null; }
  }

  function offer() {
    var found = kept();
    if (!found) return;
    var said = new URLSearchParams(found.address.slice(found.address.indexOf('?')));
    var parts = ['recipes', 'targets', 'models'].map(function (n) { return said.get(n) || '…'; });
    var what = said.get('name') || (said.get('from') ? 'a copy of ' + said.get('from').replace('-', ' ') : parts[0] + ' → ' + parts[1] + ' on ' + parts[2]);
    if (what.length > 120) what = what.slice(0, 119) + '…';
    set('new-draft-said', { children: 'There is a draft of ' + new Date(found.at).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' }) + ' that was not submitted: ' + what + '.' });
    set('new-draft', { hidden: false });
  }

  ns.newform = {
    kept: function () {
      var found = kept();
      if (ns.callback_context.triggered_id === 'new-draft-take' && found && window.crossliftGo) window.crossliftGo(found.address);
      else keep(null);
      set('new-draft', { hidden: true });
      return '';
    },
    fill: function (clicks, open) { return clicks ? [!open, open ? 'default' : 'light'] : [ns.no_update, ns.no_update]; },
    step: function () {
      var page = document.getElementById('new-page'), now = arguments[arguments.length - 1];
      var which = String(ns.callback_context.triggered_id || '').replace('new-step-', '');
      if (!page || !which) return ns.no_update;
      var step = which === 'next' ? Math.min(4, now + 1) : which === 'back' ? Math.max(1, now - 1) : Number(which);
      page.setAttribute('data-step', step);
      document.querySelectorAll('.step-tab').forEach(function (tab) {
        tab.setAttribute('aria-current', tab.id === 'new-step-' + step ? 'step' : 'false');
      });
      if (which === 'next' || which === 'back') { // the button may be gone, and the step begins above
        document.getElementById('new-step-' + step).focus();
        document.getElementById('new-stepper').scrollIntoView();
      }
      return step;
    },
    tell: function (address) {
      if (!address || location.pathname !== '/new') return '';
      var first = told === null;
      if (address !== location.pathname + location.search) {
        if (first && location.search && /[?&]from=/.test(location.search) && !/[?&]from=/.test(address)) return ''; // its experiment is not there
        history.replaceState(history.state, '', address);
      }
      if (!first && address !== '/new') {
        keep(address);
        set('new-draft', { hidden: true });
      } else if (first && address === '/new') offer();
      told = address;
      clearTimeout(timer);
      timer = setTimeout(function () {
        if (document.getElementById('new-form')) set('new-asked', { data: { address: address, origin: location.origin } });
      }, first ? 0 : PAUSE);
      return '';
    },
    go: function (to) {
      if (to && to.sent) keep(null);
      if (to && to.address && window.crossliftGo) window.crossliftGo(to.address);
      return '';
    }
  };

  // --- copy: a button names what it copies -------------------------------------------------------------------------

  function by_hand(text) {
    var area = document.createElement('textarea');
    area.value = text;
    document.body.appendChild(area);
    area.select();
    var fine = document.execCommand('copy');
    area.remove();
    return fine;
  }

  document.addEventListener('click', function (event) {
    var button = event.target.closest && event.target.closest('[data-copy]');
    var from = button && document.getElementById(button.getAttribute('data-copy'));
    if (!from) return;
    var text = from.textContent;
    var copied = navigator.clipboard
      ? navigator.clipboard.writeText(text).then(function () { return true; }, function () { return by_hand(text); })
      : Promise.resolve(by_hand(text));
    copied.then(function (fine) {
      var label = button.firstChild, before = button.getAttribute('data-label') || label.nodeValue;
      button.setAttribute('data-label', before);
      label.nodeValue = fine ? 'Copied' : 'Select and copy';
      setTimeout(function () { label.nodeValue = before; }, 2000);
    });
  });
})();
