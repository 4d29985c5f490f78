// Explore and Trade-off: going from a point to its cell, and the share button of a cell.
(function () {
  'use strict';

  var ns = (window.dash_clientside = window.dash_clientside || {});

  document.addEventListener('click', function (event) {
    if (!event.target.closest || !event.target.closest('.share-too')) return;
    var button = document.getElementById('share-open');
    if (button) button.click();
  });

  ns.findings = {
    paint: function (figures, scheme) {
      if (!figures) return [{ data: [], layout: { xaxis: { visible: false }, yaxis: { visible: false } } }, {}];
      return ns.crosslift.paint(figures, scheme, '');
    },
    benchmark: function (benchmark) { // of every page there is one; two callbacks could not write it
      if (benchmark && ns.set_props) ns.set_props('benchmark', { data: benchmark });
    },
    metric: function (target) { return target === 'all'; },
    // the upload component gives its field no name
    upload: function (id) {
      (function name(tries) {
        var field = document.querySelector('#imports-upload input[type=file]');
        if (field) field.setAttribute('aria-label', 'Result files');
        else if (tries > 0) setTimeout(name, 100, tries - 1);
      })(50);
      return id;
    },
    synthetic: function (source) { return source === 'mini'; },
    cost: function (x) { return x !== 'hours'; },
    view: function (view) { return view === 'table' ? 'table' : 'figure'; },

    // a point, or a row of the table, leads to its cell; the address that is left names the point, so that Back shows it
    follow: function (click, cell, key) {
      var what = ns.callback_context.triggered[0], point = null;
      if (what && what.prop_id === 'tradeoff-graph.clickData') {
        point = click && click.points[0] && click.points[0].customdata;
        if (click && ns.set_props) ns.set_props('tradeoff-graph', { clickData: null });
      } else if (what && what.prop_id === 'tradeoff-grid.cellClicked') {
        point = cell && cell.rowId;
      } else if (what && what.prop_id === 'tradeoff-grid.eventData') {
        point = key && key.data && key.data.row;
      }
      if (typeof point !== 'string' || !point) return;
      var links = JSON.parse(document.getElementById('tradeoff-body').getAttribute('data-cells') || '{}');
      if (!links[point]) return;
      var left = new URL(location.href);
      left.searchParams.set('point', point);
      var query = Array.from(left.searchParams.entries()).sort().map(function (pair) {
        return pair.map(function (part) { return encodeURIComponent(part).replace(/%(3A|2C|40|2F)/g, decodeURIComponent); }).join('=');
      });
      history.replaceState(history.state, '', left.pathname + '?' + query.join('&'));
      window.crossliftGo(links[point]);
    }
  };

  var grid = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
  grid.crossliftLink = function (params) { // arrow keys move between cells, Enter follows a cell's link
    var link = params.event && params.event.key === 'Enter' && params.event.target.querySelector('a');
    if (link) link.click();
  };
  grid.crossliftRow = function (params, setEventData) {
    if (!params.event || params.event.key !== 'Enter') return;
    setEventData({ row: params.node.id, at: Date.now() });
  };
})();
