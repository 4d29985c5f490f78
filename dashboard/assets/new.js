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

  ns.newform = {
    tell: function (address) {
      if (!address || location.pathname !== '/new') return '';
      var first = told === null;
      if (address !== location.pathname + location.search) {
        if (first && location.search && /[?&]from=/.test(location.search) && !/[?&]from=/.test(address)) return ''; // its experiment is not there
        history.replaceState(history.state, '', address);
      }
      told = address;
      clearTimeout(timer);
      timer = setTimeout(function () {
        if (document.getElementById('new-form')) set('new-asked', { data: { address: address, origin: location.origin } });
      }, first ? 0 : PAUSE);
      return '';
    },
    go: function (to) {
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
