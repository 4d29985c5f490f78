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
        coming = null; // the next table tries again, or the reader does
        script.remove();
        reject(new Error('The program that draws tables could not be loaded.'));
      };
      document.head.appendChild(script);
    });
    return coming;
  }

  function Grid(props) {
    var state = React.useState(real === null ? 'waiting' : 'drawn'), now = state[0], set = state[1]; // or 'failed', or 'again' after that
    var place = React.useRef(null);
    React.useEffect(function () {
      if (now !== 'waiting' && now !== 'again') return undefined;
      var there = true;
      function load() {
        fetched().then(function () { if (there) set('drawn'); }, function () { if (there) set('failed'); });
      }
      var seen = null;
      if (now === 'again') load();
      else {
        seen = new IntersectionObserver(function (entries) {
          if (entries.some(function (entry) { return entry.isIntersecting; })) load();
        }, { rootMargin: '300px' });
        seen.observe(place.current);
      }
      return function () {
        there = false;
        if (seen) seen.disconnect();
      };
    }, [now]);
    if (now === 'drawn') return React.createElement(real, props);
    var said = now === 'waiting' ? null : [
      React.createElement('p', { key: 'said', role: 'alert' }, now === 'failed' ? 'The program that draws tables could not be loaded.' : 'It is loaded again \u2026'),
      React.createElement('button', { key: 'again', type: 'button', className: 'button-link', onClick: function () { set('again'); } }, 'Try again')
    ];
    var look = Object.assign({ minHeight: 40, padding: said ? 12 : 0 }, props.style);
    return React.createElement('div', { id: props.id, ref: place, className: props.className, style: look }, said);
  }
  Grid.dashRenderType = true;
  Grid.dashPersistence = { persisted_props: ['selectedRows'], persistence_type: 'local' }; // its own

  window.dash_ag_grid = { AgGrid: Grid };
})();
