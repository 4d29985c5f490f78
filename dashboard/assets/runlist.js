// The list of runs and what can be chosen in it; saved views of any page.
(function () {
  'use strict';

  var ns = (window.dash_clientside = window.dash_clientside || {});

  function clicked() { // what was clicked; what was only drawn was not
    return (ns.callback_context.triggered || []).filter(function (each) { return each.value; })[0];
  }
  function id_of(hit) {
    var name = hit.prop_id.slice(0, hit.prop_id.lastIndexOf('.'));
    return name.charAt(0) === '{' ? JSON.parse(name) : name;
  }
  var plain = {}; // the address that a page went to by itself, by its path
  function mark() {
    var here = location.pathname + location.search;
    document.querySelectorAll('.view-tabs a.view-tab').forEach(function (tab) {
      var leads = tab.getAttribute('href');
      if (leads === here || plain[leads] === here) tab.setAttribute('aria-current', 'page');
      else tab.removeAttribute('aria-current');
    });
  }

  ns.views = {
    open: function (clicks) { return clicks ? true : ns.no_update; },
    leads: function (path, address) { plain[path] = address; },
    mark: function () { setTimeout(mark, 0); return ''; },
    asked: function (save, remove, name, shared) {
      var hit = clicked();
      if (!hit) return ns.no_update;
      var id = id_of(hit);
      if (typeof id === 'object') return { remove: id['views-remove'], at: Date.now() };
      return { name: name || '', shared: !!shared, address: location.pathname + location.search, at: Date.now() };
    }
  };

  ns.runlist = {
    tell: function (address) {
      if (address) ns.live.tell(address);
      setTimeout(mark, 0);
      return '';
    },
    toggled: function (clicks, before, standing) { // rows to open or to shut, as long as no list has come in which they are
      var hit = clicked();
      if (!hit) return ns.no_update;
      var due = before.filter(function (each) { return each.at > standing.at; });
      return due.concat({ row: id_of(hit)['runs-open'], at: Date.now() });
    },
    // [bar hidden, words, what can be compared, runs to cancel and to try again, labels, hidden]
    picked: function (checked, rows, ids, before) {
      rows = rows || {};
      var chosen = [], things = [], stop = [], again = [], sources = {};
      ids.forEach(function (id, i) {
        if (!checked[i] || !rows[id['runs-pick']]) return;
        var row = rows[id['runs-pick']];
        chosen.push(id['runs-pick']);
        if (things.indexOf(row.thing) < 0) things.push(row.thing);
        sources[row.source] = true;
        stop = stop.concat(row.stop);
        again = again.concat(row.again);
      });
      var one = Object.keys(sources).length < 2, many = things.length;
      var fine = one && many > 1 && many < 7;
      var said = chosen.length === 1 ? '1 row chosen' : chosen.length + ' rows chosen';
      if (!one) said += '; of two benchmarks, which are not compared';
      else if (many > 6) said += '; at most six can be compared';
      var beside = fine ? { things: things, source: Object.keys(sources)[0] } : null;
      var same = JSON.stringify(beside) === JSON.stringify(before || null); // the server is asked for another address only
      return [!chosen.length, said, same ? ns.no_update : beside,
        { stop: stop, again: again }, 'Cancel ' + stop.length, !stop.length, 'Try again ' + again.length, !again.length];
    },
    clear: function (clicks, ids) { return clicks ? ids.map(function () { return false; }) : ids.map(function () { return ns.no_update; }); },
    confirm: function (a, b, targets) {
      var hit = clicked();
      if (!hit || !targets) return [ns.no_update, ns.no_update, ns.no_update];
      if (id_of(hit) === 'runs-again') return [ns.no_update, ns.no_update, { what: 'again', ids: targets.again, at: Date.now() }];
      var n = targets.stop.length;
      return [true, n === 1 ? 'Cancel 1 run?' : 'Cancel ' + n + ' runs?', ns.no_update];
    },
    settled: function (keep, stop, targets) {
      var hit = clicked();
      if (!hit) return [ns.no_update, ns.no_update];
      return [false, id_of(hit) === 'runs-sure' ? { what: 'stop', ids: targets.stop, at: Date.now() } : ns.no_update];
    }
  };
})();
