// A file of another installation goes to the API as it is: judged when it is chosen, brought in when one says so.
(function () {
  'use strict';

  var ns = (window.dash_clientside = window.dash_clientside || {});

  function bytes(contents) {
    var text = atob(contents.slice(contents.indexOf(',') + 1)), found = new Uint8Array(text.length);
    for (var i = 0; i < text.length; i++) found[i] = text.charCodeAt(i);
    return found;
  }

  function send(contents, name, keep, judged) {
    var asked = new URLSearchParams();
    if (judged) asked.set('check', 'true');
    if (keep) asked.set('keep_ours', 'true');
    return fetch('/api/v1/experiments:bring?' + asked, { method: 'POST', headers: { 'Content-Type': 'application/zip' }, body: bytes(contents) })
      .then(function (answer) {
        return answer.json().catch(function () { return null; }).then(function (body) {
          return { name: name, status: answer.status, body: body, judged: judged };
        });
      }, function () { return { name: name, status: 0, body: null, judged: judged }; });
  }

  ns.bring = {
    send: function (contents, keep, clicks, name) {
      if (!contents) return ns.no_update;
      return send(contents, name, keep, ns.callback_context.triggered_id !== 'bring-go');
    },
    label: function (id) { // the upload component gives its field no name
      (function name(tries) {
        var field = document.querySelector('#' + id + ' input[type=file]');
        if (field) field.setAttribute('aria-label', 'A file');
        else if (tries > 0) setTimeout(name, 100, tries - 1);
      })(50);
      return id;
    }
  };
})();
