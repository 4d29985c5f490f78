// The queue: keys that move a run, a focus that follows it, and what is chosen.
(function () {
  'use strict';

  var ns = (window.dash_clientside = window.dash_clientside || {});
  var KEYS = { ArrowUp: 'up', ArrowDown: 'down', Home: 'first', End: 'last' };
  var follow = null; // the run that was moved and the button that did it

  function button(row, turn) {
    return document.querySelector('#queue-content [data-row="' + row + '"][data-turn="' + turn + '"]');
  }

  document.addEventListener('click', function (event) {
    var hit = event.target.closest && event.target.closest('#queue-content [data-turn]');
    if (hit) follow = { row: hit.getAttribute('data-row'), turn: hit.getAttribute('data-turn'), at: Date.now() };
  }, true);

  document.addEventListener('keydown', function (event) {
    var turn = event.altKey && !event.ctrlKey && !event.metaKey && KEYS[event.key];
    var line = turn && event.target.closest && event.target.closest('#queue-content .rows > li');
    if (!line) return;
    event.preventDefault(); // Alt and an arrow is a step in the history elsewhere
    var hit = line.querySelector('[data-turn="' + turn + '"]:not(:disabled)');
    if (hit) hit.click();
  });

  ns.queue = {
    drawn: function () {
      ns.views.mark();
      setTimeout(function () {
        if (!follow || Date.now() - follow.at > 10000) return;
        var now = document.activeElement, wanted = button(follow.row, follow.turn);
        // the reader has gone on to something else meanwhile
        if (now && now !== document.body && !now.closest('#queue-content')) return;
        if (wanted && wanted.disabled) wanted = button(follow.row, follow.turn === 'up' ? 'down' : 'up');
        if (wanted && wanted !== now) wanted.focus({ preventScroll: false });
      }, 60);
      return '';
    },
    // [bar hidden, words, what can be done to which, and which buttons are hidden]
    picked: function (checked, ids) {
      var found = { stop: [], again: [], first: [], last: [] }, many = 0;
      ids.forEach(function (id, i) {
        if (!checked[i]) return;
        many += 1;
        if (id.state === 'over') found.again.push(id['queue-pick']);
        else found.stop.push(id['queue-pick']);
        if (id.state === 'waits') { found.first.push(id['queue-pick']); found.last.push(id['queue-pick']); }
      });
      return [!many, many === 1 ? '1 run chosen' : many + ' runs chosen', found, !found.stop.length, !found.again.length,
        !found.first.length, !found.last.length];
    },
    // [what is asked of the server, which boxes are ticked, whether the dialog is open, and its question]
    bulk: function () {
      var given = Array.prototype.slice.call(arguments, -2), targets = given[0], ids = given[1];
      var leave = ns.no_update, boxes = ids.map(function () { return leave; }), empty = ids.map(function () { return false; });
      var hit = (ns.callback_context.triggered || []).filter(function (each) { return each.value; })[0];
      if (!hit) return [leave, boxes, leave, leave];
      var what = hit.prop_id.split('.')[0].replace('queue-', '');
      if (what === 'keep') return [leave, boxes, false, leave];
      var asks = what === 'stop';
      if (what === 'sure') what = 'stop';
      if (what === 'none' || !targets || !targets[what].length) return [leave, empty, false, leave];
      var many = targets[what].length;
      if (asks) return [leave, boxes, true, many === 1 ? 'Cancel 1 run?' : 'Cancel ' + many + ' runs?'];
      return [{ what: what, ids: targets[what], at: Date.now() }, empty, false, leave];
    }
  };
})();
