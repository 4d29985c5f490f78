// A frozen page: a cell opens from the figure or from its row in the table.
(function () {
  'use strict';

  var ns = (window.dash_clientside = window.dash_clientside || {});

  document.addEventListener('click', function (event) {
    var button = event.target.closest && event.target.closest('.cell-button');
    if (button && ns.set_props) ns.set_props('frozen-cell', { data: button.getAttribute('data-cell') });
  });

  ns.snapshot = {
    choose: function (click, opened, present) {
      var what = ns.callback_context.triggered[0];
      if (what && what.prop_id === 'frozen-graph.clickData') {
        var chosen = click && click.points[0] && click.points[0].customdata;
        if (click) ns.set_props('frozen-graph', { clickData: null }); // else a second click on the same cell is no change
        return typeof chosen === 'string' && chosen && chosen.indexOf('/') < 0 ? chosen : ns.no_update;
      }
      if (what && what.prop_id === 'frozen-drawer.opened' && opened === false && present) return '';
      return ns.no_update;
    }
  };
})();
