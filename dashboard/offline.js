(function () {
  'use strict';

  var figures = JSON.parse(document.getElementById('figures').textContent);
  var dark = matchMedia('(prefers-color-scheme: dark)');
  var place = document.getElementById('figure');

  function draw() {
    var figure = figures[dark.matches && !matchMedia('print').matches ? 'dark' : 'light'];
    place.style.height = figure.layout.height + 'px';
    if (figure.layout.meta && figure.layout.meta.width) place.style.minWidth = figure.layout.meta.width + 'px';
    return Plotly.react(place, figure.data, figure.layout, {
      responsive: true, displaylogo: false, showSendToCloud: false, modeBarButtons: [['toImage']],
      toImageButtonOptions: { format: 'svg', filename: 'crosslift' }
    });
  }
  draw();
  dark.addEventListener('change', draw);

  var bytes = Uint8Array.from(atob(document.getElementById('content').textContent), function (c) { return c.charCodeAt(0); });
  var save = document.getElementById('save');
  save.hidden = false;
  save.addEventListener('click', function () {
    var link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([bytes], { type: 'application/json' }));
    link.download = 'crosslift-' + document.getElementById('sha256').textContent.slice(0, 12) + '.json';
    link.click();
  });

  if (!window.crypto || !crypto.subtle) return; // some browsers keep it from files
  crypto.subtle.digest('SHA-256', bytes).then(function (digest) {
    var found = Array.from(new Uint8Array(digest), function (b) { return b.toString(16).padStart(2, '0'); }).join('');
    var fine = found === document.getElementById('sha256').textContent;
    var says = document.getElementById('checked');
    says.textContent = fine ? '✓ matches the content' : 'does not match the content of this file';
    says.className = fine ? 'good' : 'bad';
  });
})();
