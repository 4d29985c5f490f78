// What the pages do in the browser. Numbers and addresses are made in Python; this puts them where they belong.
(function () {
  'use strict';

  var ns = (window.dash_clientside = window.dash_clientside || {});
  var grid = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});

  function set(id, props) {
    if (ns.set_props) ns.set_props(id, props);
  }

  function scheme() {
    return document.documentElement.getAttribute('data-mantine-color-scheme') === 'dark' ? 'dark' : 'light';
  }

  function here() { return location.pathname + location.search; }

  // --- the history ---------------------------------------------------------------------------------------------
  // Opening a target or a cell is a step that Back undoes; everything else changes the present entry.

  var STEPS = ['source', 'layout', 'target', 'cell', 'device'];
  var shown = null; // the address whose state the page shows
  var awaited = null; // the address that was gone to and whose page is not here yet

  function isStep(from, to) {
    if (from === null || from.split('?')[0] !== to.split('?')[0]) return false;
    var a = new URL(from, location.origin).searchParams, b = new URL(to, location.origin).searchParams;
    return STEPS.some(function (name) {
      // the first address of a page spells out what the API chose: that is no step
      return a.get(name) !== b.get(name) && (name !== 'target' || a.has('target'));
    });
  }

  function tell(address, asked) {
    if (!address || location.pathname !== address.split('?')[0]) return '';
    if (awaited !== null && asked !== awaited) return ''; // of a page that was left meanwhile
    awaited = null;
    if (address !== here()) {
      if (isStep(shown, address)) history.pushState(null, '', address);
      else history.replaceState(history.state, '', address);
    }
    if (shown === null && asked && asked.indexOf('?') < 0 && ns.views) ns.views.leads(asked, address);
    shown = address;
    if (ns.views) ns.views.mark(); // a saved view is marked where it is the one that is shown
    return '';
  }

  var seen = here(); // the address that dcc.Location saw last, with which it compares: not always ours

  function look() { // ask for the page of this address (all properties: one left stale would be pushed onto the history)
    set('_pages_location', { href: location.href, pathname: location.pathname, search: location.search, hash: location.hash });
  }

  window.addEventListener('_dashprivate_pushstate', function () { // a link within the pages was followed
    awaited = here();
    shown = null;
    if (awaited === seen) look(); // as the page was first asked for, and has told another address since
    seen = awaited;
  });

  window.addEventListener('popstate', function () {
    if (awaited === null && here() === shown) return; // only the part after # changed
    awaited = seen = here();
    shown = null;
    look();
  });

  // --- live, scheme, keys --------------------------------------------------------------------------------------

  document.addEventListener('visibilitychange', function () {
    set('clock', { disabled: document.hidden || document.documentElement.hasAttribute('data-shared') });
  });

  var last = scheme();
  new MutationObserver(function () {
    if (scheme() === last) return;
    last = scheme();
    set('scheme', { data: last });
    document.documentElement.setAttribute('data-ag-theme-mode', scheme());
  }).observe(document.documentElement, { attributes: true, attributeFilter: ['data-mantine-color-scheme'] });
  document.documentElement.setAttribute('data-ag-theme-mode', scheme());

  function typing(target) {
    if (target.isContentEditable || target.tagName === 'TEXTAREA' || target.tagName === 'SELECT') return true;
    return target.tagName === 'INPUT' && target.type !== 'radio' && target.type !== 'checkbox';
  }

  document.addEventListener('keydown', function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
    if (document.documentElement.getAttribute('data-keys') === 'off') return;
    var body = document.querySelector('#explore-body, #tradeoff-body');
    if (!body) return;
    var page = body.id.split('-')[0];
    if ((event.key === 't' || event.key === 'T') && !body.classList.contains('is-empty')) {
      event.preventDefault();
      var figure = page === 'explore' ? 'heatmap' : 'figure';
      set(page + '-view', { value: body.getAttribute('data-view') === 'table' ? figure : 'table' });
    } else if (event.key === '[' || event.key === ']') {
      event.preventDefault();
      set(page + '-turn', { data: { by: event.key === '[' ? -1 : 1, at: Date.now() } });
    }
  });

  // --- width ---------------------------------------------------------------------------------------------------

  var phone = window.matchMedia('(max-width: 767px)'); // as crosslift.css swaps the figure for lists
  phone.addEventListener('change', function () {
    if (document.getElementById('explore-ranked')) set('explore-narrow', { data: phone.matches });
  });

  var kept = {}; // the parts of Explore as they were last answered

  // --- clientside callbacks ------------------------------------------------------------------------------------

  function themed(figures, name) {
    // the dark figure comes as what differs from the light one: pairs of a path and a value
    var found = figures[name];
    if (!Array.isArray(found)) return found;
    var figure = structuredClone(figures.light);
    found.forEach(function (change) {
      var path = change[0], at = figure;
      for (var i = 0; i < path.length - 1; i++) at = at[path[i]];
      at[path[path.length - 1]] = change[1];
    });
    return figure;
  }

  function spoken(figure, said) {
    // what is said of the cells comes apart from the figure, see figures.apart
    var data = figure.data.map(function (trace) {
      if (!said || trace.name !== 'cells' || trace.hovertext) return trace;
      var texts = trace.customdata.map(function (row) { return row.map(function (of) { return said[of] || ''; }); });
      return Object.assign({}, trace, { hovertext: texts });
    });
    return Object.assign({}, figure, { data: data });
  }

  function outline(figure, cell, ink, pinned) {
    // a thin border around the chosen cell, or the chosen mean; a dashed one around what is pinned
    var shapes = (pinned || []).map(function (one) { return border(figure, one, ink, 'dot', 'pinned'); });
    shapes = shapes.concat([border(figure, cell, ink, 'solid', 'chosen')]).filter(Boolean);
    if (!shapes.length) return figure;
    var layout = Object.assign({}, figure.layout, { shapes: (figure.layout.shapes || []).concat(shapes) });
    return Object.assign({}, figure, { layout: layout });
  }

  function border(figure, cell, ink, dash, name) {
    var mean = /\.mean$/.test(cell || '');
    var trace = figure.data.find(function (t) { return t.name === (mean ? 'means' : 'cells'); });
    if (!cell || !trace) return null;
    for (var row = 0; row < trace.customdata.length; row++) {
      var column = trace.customdata[row].indexOf(cell);
      if (column < 0) continue;
      return {
        type: 'rect', xref: 'x', yref: 'y', x0: mean ? trace.x[0] : column - 0.48, x1: mean ? trace.x[1] : column + 0.48,
        y0: row - 0.46, y1: row + 0.46, line: { color: ink, width: 2.5, dash: dash }, fillcolor: 'rgba(0,0,0,0)', name: name
      };
    }
    return null;
  }

  ns.crosslift = {
    badge: function (benchmark) {
      if (!benchmark || !benchmark.name) return '';
      return benchmark.name + (benchmark.synthetic ? ' · synthetic benchmark' : '');
    },

    drawn: function (answer, chosenScheme, cell, asked) {
      // what the page shows is the answers so far: each has that which was no longer the same
      var looks = [chosenScheme, cell].join(' ');
      var same = looks === kept.looks;
      if (answer !== kept.last) {
        same = same && !answer.whole && !('figures' in answer) && !('said' in answer) && String(answer.pinned) === String(kept.pinned);
        kept = Object.assign(answer.whole ? {} : kept, answer, { last: answer });
        ['figures', 'said'].forEach(function (name) { if (answer[name]) kept[name] = JSON.parse(answer[name]); });
        if (ns.explore) ns.explore.pinned(answer);
        Object.keys(answer.props || {}).forEach(function (id) { set(id, answer.props[id]); });
        tell(answer.address, asked);
      }
      kept.looks = looks;
      return same ? [ns.no_update, ns.no_update] : ns.crosslift.paint(kept.figures, chosenScheme, cell, kept.said, kept.pinned);
    },

    paint: function (figures, chosenScheme, cell, said, pinned) {
      var page = document.querySelector('.page');
      if (page) page.classList.toggle('beside', !!cell); // where the drawer is, see findings.css
      if (!figures) return [{ data: [], layout: { xaxis: { visible: false }, yaxis: { visible: false } } }, {}];
      var figure = spoken(themed(figures, chosenScheme || scheme()), said);
      // the figure fills its box in width; its height is its own
      var size = { minWidth: figure.layout.meta.width + 'px', height: figure.layout.height + 'px' };
      return [outline(figure, cell, figure.layout.font.color, pinned), size];
    },

    paint_small: function (figures, chosenScheme) {
      if (!figures) return [ns.no_update, ns.no_update];
      var figure = themed(figures, chosenScheme || scheme());
      return [figure, { height: figure.layout.height + 'px' }];
    },

    turn: function (turn, options, present) {
      // the previous or the next of what there is to choose from
      if (!turn || !options || options.length < 2) return ns.no_update;
      var all = "#explore-filters[data-layout='recipe-target'], #explore-filters[data-layout='target-language']";
      if (document.querySelector(all)) return ns.no_update; // every target is there
      var at = options.findIndex(function (o) { return o.value === present; });
      return options[(at + turn.by + options.length) % options.length].value;
    },

    tell: tell,

    table_due: function (view, digests, tabled) {
      if (view !== 'table' || !digests) return ns.no_update;
      var due = [digests.rows, digests.columns];
      return tabled && tabled[0] === due[0] && tabled[1] === due[1] ? ns.no_update : due;
    },

    lists_due: function (narrow, digests, listed) {
      return narrow === true && digests && digests.lists !== listed ? digests.lists : ns.no_update;
    },

    drawer_due: function (cell, numbers, pins, opened) {
      return cell || opened ? { cell: cell, numbers: numbers, pins: pins } : ns.no_update;
    },

    idle: function (value) { // costs are of recipes: nothing to order, to choose or to fade
      var idle = value === 'cost';
      return [idle, idle, idle, idle];
    },

    narrow: function () { return phone.matches; },

    view: function (view) { return view === 'table' ? 'table' : 'heatmap'; },

    copy: function () {
      var local = /^(localhost|127\.|\[::1\])/.test(location.hostname);
      var done = local ? 'Copied (works on this machine)' : 'Copied';
      var id = (ns.callback_context.triggered[0] || { prop_id: 'explore-copy.n_clicks' }).prop_id.split('.')[0];
      function later(text) { if (document.getElementById(id)) set(id, { children: text }); }
      function by_hand() {
        var area = document.createElement('textarea');
        area.value = location.href;
        document.body.appendChild(area);
        area.select();
        var fine = document.execCommand('copy');
        area.remove();
        return fine;
      }
      var copied = navigator.clipboard
        ? navigator.clipboard.writeText(location.href).then(function () { return true; }, by_hand)
        : Promise.resolve(by_hand());
      return copied.then(function (fine) {
        setTimeout(function () { later('Copy link'); }, 2500);
        return fine ? done : 'Copy it from the address bar';
      });
    },

    choose: function (click, cell, key, opened, present) {
      var what = ns.callback_context.triggered[0];
      var chosen = null;
      if (what && what.prop_id === 'explore-grid.eventData' && key && key.data && key.data.pin) {
        ns.explore.pin({ cell: key.data.pin });
        return;
      }
      if (what && what.prop_id === 'explore-graph.clickData') {
        chosen = click && click.points[0] && click.points[0].customdata;
        if (click) set('explore-graph', { clickData: null }); // else a second click on the same cell is no change
      } else if (what && what.prop_id === 'explore-grid.cellClicked') {
        chosen = cell && grid.crossliftCell(cell.rowId, cell.colId);
      } else if (what && what.prop_id === 'explore-grid.eventData') {
        chosen = key && key.data && key.data.cell;
      } else if (what && what.prop_id === 'explore-drawer.opened' && opened === false) {
        chosen = '';
      }
      if (chosen && window.crossliftShift && what.prop_id !== 'explore-grid.eventData') {
        ns.explore.pin({ cell: chosen });
      } else if (typeof chosen === 'string' && chosen !== present && (chosen || opened === false)) {
        set('explore-cell', { data: chosen });
      }
    }
  };

  // --- the table -----------------------------------------------------------------------------------------------

  function number(value, signed) {
    var text = Math.abs(value).toFixed(1);
    if (!signed || text === '0.0') return text;
    return (value > 0 ? '+' : '\u2212') + text;
  }

  function written(params, signed) {
    if (params.value === null || params.value === undefined) {
      var why = params.data && params.data.why[params.colDef.field];
      return why || '\u2013';
    }
    var mark = params.data && params.data.marks && params.data.marks[params.colDef.field];
    return (params.data && params.data.found[params.colDef.field] ? '\u2022 ' : '') + number(params.value, signed) + (mark ? ' ' + mark : '');
  }

  grid.crossliftTheme = function (theme) {
    var same = { fontFamily: 'inherit', fontSize: 13, headerFontSize: 12, cellHorizontalPadding: 8, wrapperBorder: false };
    return theme
      .withParams(Object.assign({ backgroundColor: '#ffffff', foregroundColor: '#1b1f24', browserColorScheme: 'light' }, same), 'light')
      .withParams(Object.assign({ backgroundColor: '#16191d', foregroundColor: '#e8eaed', browserColorScheme: 'dark' }, same), 'dark');
  };
  grid.crossliftGain = function (params) { return written(params, true); };
  grid.crossliftScore = function (params) { return written(params, false); };
  grid.crossliftHours = function (params) {
    // as look.hours writes it
    var value = params.value;
    if (value === null || value === undefined) return 'not measured';
    var unit = value >= 1 ? ['h', 1] : value >= 1 / 60 ? ['min', 60] : ['s', 3600];
    var two = Number((value * unit[1]).toPrecision(2));
    return (two >= 10 ? two.toLocaleString('en') : String(two)) + '\u00a0' + unit[0];
  };
  grid.crossliftCell = function (row, column) {
    if (!row || !column || /^(label|support)$/.test(column)) return '';
    return row + '.' + (/^(mean|marginal|amortised)$/.test(column) ? 'mean' : column);
  };
  grid.crossliftKey = function (params, setEventData) {
    if (!params.event || !/^(Enter|p|P)$/.test(params.event.key) || params.event.ctrlKey || params.event.metaKey) return;
    var column = params.column.getColId(), cell = grid.crossliftCell(params.node.id, column);
    if (params.event.key !== 'Enter') {
      if (cell) setEventData({ pin: cell, at: Date.now() });
    } else if (column === 'label' && params.data && params.data.leads) window.crossliftGo(params.data.leads); // as the name at the figure does
    else setEventData({ cell: cell, at: Date.now() });
  };
})();
