// Explore: cells that are kept, names of rows and columns that lead somewhere, and what is asked for only where it is looked at.
(function () {
  'use strict';

  var ns = (window.dash_clientside = window.dash_clientside || {});

  function set(id, props) {
    if (ns.set_props) ns.set_props(id, props);
  }

  // Cells to keep or to let go, as long as no answer has come in which they are: one that is still awaited when the next thing is
  // asked never arrives.
  var due = [];
  function pin(what) {
    due = due.concat(Object.assign({ at: Math.max(Date.now(), due.length ? due[due.length - 1].at + 1 : 0) }, what));
    set('explore-pin', { data: due });
  }

  // A figure does not say which keys were held when it was clicked.
  document.addEventListener('mousedown', function (event) { window.crossliftShift = event.shiftKey; }, true);

  document.addEventListener('click', function (event) {
    if (!event.target.closest) return;
    var one = event.target.closest('.pin-this'), none = event.target.closest('.pin-none');
    if (one && !one.disabled) pin({ pin: one.getAttribute('data-pin') });
    if (none) pin({ none: true });
    // the name of a row or a column, which plotly makes a link of
    var name = event.target.closest('#explore-graph a');
    if (!name || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    var address = name.getAttribute('href') || name.getAttributeNS('http://www.w3.org/1999/xlink', 'href');
    if (!address || address[0] !== '/') return;
    event.preventDefault();
    window.crossliftGo(address);
  });

  document.addEventListener('keydown', function (event) {
    if ((event.key !== 'p' && event.key !== 'P') || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.documentElement.getAttribute('data-keys') === 'off' || !document.querySelector('#explore-body')) return;
    if (event.target.closest('input, textarea, select, .ag-root, [contenteditable]')) return; // the table has its own
    var button = document.querySelector('.onward .pin-this:not([disabled])');
    if (button) button.click();
  });

  ns.explore = {
    pin: pin,
    pinned: function (answer) { due = answer.whole ? [] : due.filter(function (each) { return each.at > answer.pinned_at; }); },
    pinned_due: function (pins, numbers, shown) {
      return pins || (shown && shown.length) ? { pins: pins, numbers: numbers } : ns.no_update;
    },
    below_due: function (below, digests, due) {
      if (!digests || (below === 'none' && !due)) return ns.no_update;
      var wanted = below + ' ' + (below === 'none' ? '' : digests.below);
      return wanted === due ? ns.no_update : wanted;
    },
    laid: function (layout, below) { return [layout || 'recipe-language', below || 'none']; }
  };
})();
