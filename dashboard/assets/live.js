// Live pages: a stream of server-sent events that pokes a store, at most once a second.
(function () {
  'use strict';

  var ns = (window.dash_clientside = window.dash_clientside || {});
  var AGAIN = 10000; // ms until a stream that was refused is asked for again
  var source = null, url = null, store = null, every = 1000, ended = false, timer = null, again = null, last = 0;

  function set(id, props) { if (ns.set_props) ns.set_props(id, props); }

  function close() {
    if (source) source.close();
    source = null;
    clearTimeout(again);
  }

  function leave() {
    close();
    clearTimeout(timer);
    timer = url = null;
  }

  function poke() {
    if (!document.getElementById('live-here')) return leave();
    if (timer) return;
    timer = setTimeout(function () {
      timer = null;
      last = Date.now();
      if (document.getElementById('live-here')) set(store, { data: last });
    }, Math.max(0, last + every - Date.now()));
  }

  function open() {
    close();
    if (!url || ended || document.hidden || !window.EventSource) return;
    source = new EventSource(url);
    ['experiment', 'run', 'log'].forEach(function (name) { source.addEventListener(name, poke); });
    source.addEventListener('end', function () {
      ended = true;
      close();
      poke();
    });
    source.onopen = function () { document.documentElement.setAttribute('data-live', 'on'); };
    source.onerror = function () {
      document.documentElement.setAttribute('data-live', 'off');
      if (!source || source.readyState !== 2) return; // it connects again by itself
      close();
      again = setTimeout(open, AGAIN);
    };
  }

  // a stream holds one of the few connections that a browser opens to a host: a hidden tab lets go of it
  document.addEventListener('visibilitychange', function () {
    if (document.hidden) return close();
    if (!url) return;
    open();
    poke();
  });
  window.addEventListener('_dashprivate_pushstate', function () { if (url) setTimeout(function () { if (!document.getElementById('live-here')) leave(); }, 1500); });
  window.addEventListener('pagehide', close);

  ns.live = {
    watch: function (wanted) {
      var to = (wanted && wanted.url) || null;
      every = (wanted && wanted.every) || 1000;
      if (to === url && source) return '';
      url = to;
      store = wanted && wanted.store;
      ended = false;
      open();
      return '';
    },
    go: function (to) {
      if (to && to.address && window.crossliftGo) window.crossliftGo(to.address);
      return '';
    },
    asked: function () { // which of many buttons was clicked; those that were only drawn were not
      var hit = (ns.callback_context.triggered || []).filter(function (each) { return each.value; })[0];
      if (!hit) return ns.no_update;
      return { id: JSON.parse(hit.prop_id.slice(0, hit.prop_id.lastIndexOf('.'))), at: Date.now() };
    },
    tell: function (address, asked) {
      var here = location.pathname + location.search;
      if (asked && asked !== here) return ''; // of a page that was left meanwhile
      if (address && location.pathname === address.split('?')[0] && address !== here) {
        history.replaceState(history.state, '', address);
      }
      return '';
    },
    paint: function (figures, chosen) {
      if (!figures) return [{ data: [], layout: { xaxis: { visible: false }, yaxis: { visible: false } } }, { display: 'none' }];
      var dark = document.documentElement.getAttribute('data-mantine-color-scheme') === 'dark';
      var figure = figures[chosen || (dark ? 'dark' : 'light')];
      return [figure, { height: figure.layout.height + 'px' }];
    },
    follow: function (lines, follow) {
      var box = document.getElementById('run-lines');
      if (box && follow) setTimeout(function () { box.scrollTop = box.scrollHeight; }, 50);
      return '';
    }
  };
})();
