// What surrounds the pages: where one is, the menu of a narrow screen, single keys.
(function () {
  'use strict';

  var ns = (window.dash_clientside = window.dash_clientside || {});
  var root = document.documentElement;

  // A frozen page is read on its own: it asks for nothing that is live.
  var shared = /^\/s\//.test(location.pathname);
  if (shared) root.setAttribute('data-shared', '');

  var SECTIONS = [[/^\/$/, '/'], [/^\/explore/, '/explore'], [/^\/tradeoff/, '/tradeoff'], [/^\/answer/, '/answer'],
    [/^\/compare/, '/compare'], [/^\/languages/, '/languages'], [/^\/checklist/, '/checklist'], [/^\/published/, '/published'],
    [/^\/imports/, '/imports'], [/^\/experiments/, '/experiments'], [/^\/runs/, '/runs'], [/^\/queue/, '/queue'], [/^\/submit-check/, '/submit-check'],
    [/^\/shares/, '/shares'], [/^\/help/, '/help'], [/^\/new/, '/new'], [/^\/account/, '/account']];

  function mark(path) {
    var section = SECTIONS.find(function (s) { return s[0].test(path); });
    // Told here and not by :has() in a style sheet, for which a browser styles the whole page anew whenever anything is inserted.
    root.setAttribute('data-section', section ? section[1] : '');
    document.querySelectorAll('.nav-link').forEach(function (link) {
      var href = link.getAttribute('href');
      if (!section || section[1] !== href) link.removeAttribute('aria-current');
      else link.setAttribute('aria-current', href === path ? 'page' : 'true');
    });
    document.querySelectorAll('details.nav-group').forEach(function (group) {
      group.open = false;
      group.toggleAttribute('data-here', Boolean(group.querySelector('[aria-current]')));
    });
  }

  function set(id, props) { if (ns.set_props) ns.set_props(id, props); }

  // As a link within the pages does it.
  function go(address) {
    if (address === location.pathname + location.search + location.hash) return;
    history.pushState({}, '', address);
    window.dispatchEvent(new CustomEvent('_dashprivate_pushstate'));
    window.scrollTo(0, 0);
  }
  window.crossliftGo = go;

  // The skip link moves the focus by itself: a change of the address, even of the part after #, has dcc.Location look at
  // the whole of it, and the page be built anew under the reader's hands.
  document.addEventListener('click', function (event) {
    var main = event.target.closest && event.target.closest('a.skip') && document.getElementById('main');
    if (!main) return;
    event.preventDefault();
    main.focus();
    main.scrollIntoView();
  });

  // Of the groups in the header one is open at most, and none when one has gone elsewhere.
  function shut(but) {
    document.querySelectorAll('details.nav-group[open]').forEach(function (group) { if (group !== but) group.open = false; });
  }
  document.addEventListener('click', function (event) {
    shut(event.target.closest && event.target.closest('details.nav-group'));
  });
  document.addEventListener('focusin', function (event) {
    shut(event.target.closest && event.target.closest('details.nav-group'));
  });
  document.addEventListener('keydown', function (event) {
    var group = event.key === 'Escape' && document.querySelector('details.nav-group[open]');
    if (!group) return;
    shut();
    group.querySelector('summary').focus();
    event.stopImmediatePropagation();
  }, true);

  function pass_on(what) { // to the pages' callbacks: shell.live
    var newest = 0;
    return function (value) {
      var mine = ++newest;
      (function put(tries) {
        if (mine !== newest) return;
        var places = document.querySelectorAll('.live-' + what);
        // the first beat may be here before the page is, and would be lost
        if (!places.length && tries > 0) setTimeout(put, 200, tries - 1);
        places.forEach(function (place) {
          set(place.id, { children: value === null || value === undefined ? '' : String(value) });
        });
      })(50);
    };
  }

  ns.shell = {
    pulse: pass_on('pulse'),
    clock: pass_on('clock'),
    scheme: pass_on('scheme'),
    here: function (path) {
      mark(path || location.pathname);
      set('menu', { opened: false });
      set('benchmark-badge', { children: '' }); // a page with numbers says whose they are when it is here
    },
    start: function () { return shared ? [true, ns.no_update] : [document.hidden, 1]; },
    menu: function (clicks) {
      if (!clicks) return ns.no_update;
      (function look(tries) { // its links are made when it opens
        if (document.querySelector('.mantine-Drawer-body .nav-link')) mark(location.pathname);
        else if (tries > 0) setTimeout(look, 50, tries - 1);
      })(100);
      return true;
    },
    follow: function (click) { // a figure whose cells carry addresses
      var address = click && click.points[0] && click.points[0].customdata;
      if (typeof address === 'string' && address.charAt(0) === '/') go(address);
      return '';
    },
    anchor: function () { // the page came after its address was looked up
      function look() {
        var place = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
        if (place) place.scrollIntoView();
      }
      setTimeout(look, 0);
      return ns.no_update;
    },
    keys: function (on) {
      root.setAttribute('data-keys', on === false ? 'off' : 'on');
      return '';
    }
  };

  // --- single keys: a letter, or g and a letter ------------------------------------------------------------------

  var PAGES = { o: '/', e: '/explore', t: '/tradeoff', a: '/answer', c: '/compare', l: '/languages', p: '/published',
    x: '/experiments', r: '/runs', q: '/queue' };
  var begun = 0; // when g was pressed

  function typing(target) {
    if (!target || !target.tagName) return false;
    if (target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName)) return true;
    return target.tagName === 'INPUT' && !/^(radio|checkbox)$/.test(target.type);
  }

  function seen(element) {
    return element.checkVisibility({ visibilityProperty: true }) && !element.disabled && !element.closest('[inert], [aria-hidden="true"]');
  }

  function first(selector, within) { return Array.from((within || document).querySelectorAll(selector)).find(seen); }

  function press(selector) {
    var found = first(selector);
    if (found) found.click();
    return Boolean(found);
  }

  function search() { // the first field of the page that text is looked for with
    var found = first('#main [id$="-q"]');
    if (found) { found.focus(); found.select(); }
    return Boolean(found);
  }

  // From row to row of whatever list or table the page has: the focus goes to what leads on from it.
  var LEADS = 'a[href], button, input';
  function step(by) {
    var rows = Array.from(document.querySelectorAll('#main tbody tr, #main .list-row')).filter(function (row) { return seen(row) && first(LEADS, row); });
    var at = rows.findIndex(function (row) { return row.contains(document.activeElement); });
    var next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by];
    if (!next) return rows.length > 0;
    first(LEADS, next).focus();
    next.scrollIntoView({ block: 'nearest' });
    return true;
  }

  document.addEventListener('keydown', function (event) {
    if (shared || event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
    if (root.getAttribute('data-keys') === 'off') return;
    var key = event.key.length === 1 ? event.key.toLowerCase() : '';
    var address = null;
    if (begun && Date.now() - begun < 1500) address = PAGES[key] || null;
    begun = 0;
    if (address === null && key === 'n') address = '/new';
    if (address !== null) go(address);
    else if (key === 'g') begun = Date.now();
    else if (key === '?') set('shortcuts', { opened: true });
    else if (first('.mantine-Modal-content')) return; // what the others do is behind an open dialog; a closed one may be there unseen
    else if (key === 's' && press('#share-open')) begun = 0;
    else if (key === 'c' && press('#main a[href^="/compare?"]')) begun = 0;
    else if (key === '/' && search()) begun = 0;
    else if ((key === 'j' || key === 'k') && step(key === 'j' ? 1 : -1)) begun = 0;
    else return;
    event.preventDefault();
    event.stopImmediatePropagation(); // g t is not t
  }, true);
})();
