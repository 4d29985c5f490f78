// Trade-off: which controls have a meaning on which axis, and the slider that sets the budget.
(function () {
  'use strict';

  var ns = (window.dash_clientside = window.dash_clientside || {});
  var UNITS = { hours: 'hours', energy: 'kWh', flops: '10¹⁵ FLOPs', 'flops-counted': '10¹⁵ FLOPs' };

  ns.tradeoff = {
    boxes: function (x) {
      var spends = x in UNITS;
      return [!spends, !spends, spends, UNITS[x] || 'hours'];
    },
    // number and slider say the same: the slider stands at the first round budget that is not below the number
    budget: function (amount, at, x, marks) {
      var what = ns.callback_context.triggered[0];
      if (what && what.prop_id === 'tradeoff-x.value') return [amount ? '' : ns.no_update, 0]; // hours are no FLOPs
      if (what && what.prop_id === 'tradeoff-slide.value') {
        var mark = (marks || []).find(function (m) { return m.value === at; });
        var chosen = mark && mark.amount ? mark.amount : '';
        return [chosen === amount ? ns.no_update : chosen, ns.no_update];
      }
      var there = (marks || []).find(function (m) { return amount && m.amount >= amount; });
      return [ns.no_update, there ? there.value : 0];
    },
    // panels of languages are of one target: the one that the figure came with is named where none was chosen
    panels: function (figures, panels, target) {
      var of = figures && figures.light && figures.light.layout && figures.light.layout.meta && figures.light.layout.meta.target;
      return panels === 'languages' && target === 'all' && of ? of : ns.no_update;
    }
  };
})();
