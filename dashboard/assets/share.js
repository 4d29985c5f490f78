// The share dialog: it freezes the address the page has when it opens, and copies the link it is given.
(function () {
  'use strict';

  var ns = (window.dash_clientside = window.dash_clientside || {});

  ns.share = {
    open: function (clicks) {
      if (!clicks) return [ns.no_update, ns.no_update];
      return [true, { view: location.pathname + location.search, at: Date.now() }];
    },

    copy: function (clicks, url) {
      if (!clicks) return ns.no_update;
      function by_hand() {
        var field = document.getElementById('share-url');
        if (!field) return false;
        field.focus();
        field.select();
        return document.execCommand('copy');
      }
      var copied = navigator.clipboard
        ? navigator.clipboard.writeText(url).then(function () { return true; }, by_hand)
        : Promise.resolve(by_hand());
      return copied.then(function (fine) { return fine ? 'Copied' : 'Copy it from the field'; });
    }
  };
})();
