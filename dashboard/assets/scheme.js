// Before the first paint: the colour scheme that was chosen, else the system's. Mantine takes over from here.
(function () {
  var chosen = null;
  try { chosen = localStorage.getItem('mantine-color-scheme-value'); } catch (error) { /* storage is off */ }
  var dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');

  // Where the pages' framework loads plotly from when a figure is drawn; it would name the whole program of the Python package.
  var plotly = document.currentScript && document.currentScript.getAttribute('data-plotly');
  if (plotly) Object.defineProperty(window, '_dashPlotlyJSURL', { get: function () { return plotly; }, set: function () {} });
})();
