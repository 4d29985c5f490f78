(function () {
  'use strict';

  var figures = JSON.parse(document.getElementById('figures').textContent);
  var dark = matchMedia('(prefers-color-scheme: dark)');
  var place = document.getElementById('figure');

  function draw() {
    var figure = figures[dark.matches ? 'dark' : 'light'];
    place.style.height = figure.layout.height + 'px';
    if (figure.layout.meta && figure.layout.meta.width) place.style.minWidth = figure.layout.meta.width + 'px';
    return Plotly.react(place, figure.data, figure.layout, { responsive: true, displayModeBar: false });
  }
  draw();
  dark.addEventListener('change', draw);
})();
