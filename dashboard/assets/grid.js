// Tables are drawn by a program as large as the rest of a page, and most pages are read without one: it is fetched when the
// first table comes into sight. In its place stands a component that waits for it. ``data-grid`` of scheme.js's element says where it is.
(function () {
  'use strict';

  var React = window.React;
  var named = document.querySelector('script[data-grid]');
  if (!React || !named || window.dash_ag_grid) return;
  var real = null;
  var coming = null;

  function fetched() {
    coming = coming || new Promise(function (resolve, reject) {
      var script = document.createElement('script');
      script.src = named.getAttribute('data-grid');
      script.onload = function () {
        real = window.dash_ag_grid.AgGrid;
        // The page knows a component by its function, and would build a table anew that was another one from now on.
        window.dash_ag_grid = Object.assign({}, window.dash_ag_grid, { AgGrid: Grid });
        resolve(real);
      };
      script.onerror = function () {
        coming = null; // the next table tries again
        reject(new Error('The program that draws tables could not be loaded.'));
      };
      document.head.appendChild(script);
    });
    return coming;
  }

  function Grid(props) {
    var drawn = React.useState(real !== null);
    var place = React.useRef(null);
    React.useEffect(function () {
      if (drawn[0]) return undefined;
      var there = true;
      var seen = new IntersectionObserver(function (entries) {
        if (!entries.some(function (entry) { return entry.isIntersecting; })) return;
        fetched().then(function () { if (there) drawn[1](true); }, function () {});
      }, { rootMargin: '300px' });
      seen.observe(place.current);
      return function () { there = false; seen.disconnect(); };
    }, []);
    if (drawn[0]) return React.createElement(real, props);
    return React.createElement('div', { id: props.id, ref: place, className: props.className, style: Object.assign({ minHeight: 40 }, props.style) });
  }
  Grid.dashRenderType = true;
  Grid.dashPersistence = { persisted_props: ['selectedRows'], persistence_type: 'local' }; // its own

  window.dash_ag_grid = { AgGrid: Grid };
})();
