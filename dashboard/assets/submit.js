// Submission check: a folder that is dropped or chosen becomes a ZIP here, is sent to the API, and what it answers goes into a store.
(function () {
  'use strict';

  var ns = (window.dash_clientside = window.dash_clientside || {});
  var MOST = 64 * 1024 * 1024; // bytes that the API reads
  var WANTED = /\.(tsv|json|jsonl|txt|csv)$/i;
  var busy = false;

  function say(text) {
    if (document.getElementById('submit-said')) ns.set_props('submit-said', { children: text });
  }

  function may() {
    var button = document.getElementById('submit-folder');
    return button && !button.disabled && !busy;
  }

  // --- a ZIP, as plain as can be ----------------------------------------------------------------------------------

  var table = null;
  function crc(bytes) {
    if (!table) {
      table = new Uint32Array(256);
      for (var n = 0; n < 256; n++) {
        var c = n;
        for (var k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
        table[n] = c >>> 0;
      }
    }
    var sum = 0xffffffff;
    for (var i = 0; i < bytes.length; i++) sum = table[(sum ^ bytes[i]) & 255] ^ (sum >>> 8);
    return (sum ^ 0xffffffff) >>> 0;
  }

  function packed(bytes) {
    if (!window.CompressionStream) return Promise.resolve({ data: bytes, method: 0 });
    var stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate-raw'));
    return new Response(stream).arrayBuffer().then(function (found) { return { data: new Uint8Array(found), method: 8 }; });
  }

  function head(entry, central) {
    var view = new DataView(new ArrayBuffer(central ? 46 : 30)), at = central ? 2 : 0;
    view.setUint32(0, central ? 0x02014b50 : 0x04034b50, true);
    if (central) view.setUint16(4, 20, true);
    view.setUint16(4 + at, 20, true);
    view.setUint16(6 + at, 0x800, true); // names are UTF-8
    view.setUint16(8 + at, entry.method, true);
    view.setUint16(12 + at, 0x21, true); // 1980-01-01
    view.setUint32(14 + at, entry.crc, true);
    view.setUint32(18 + at, entry.data.length, true);
    view.setUint32(22 + at, entry.size, true);
    view.setUint16(26 + at, entry.name.length, true);
    if (central) view.setUint32(42, entry.offset, true);
    return new Uint8Array(view.buffer);
  }

  function archive(files) {
    var parts = [], entries = [], offset = 0;
    return files.reduce(function (before, each) {
      return before.then(function () { return each.file.arrayBuffer(); }).then(function (content) {
        var bytes = new Uint8Array(content);
        return packed(bytes).then(function (found) {
          var entry = { name: new TextEncoder().encode(each.path), crc: crc(bytes), size: bytes.length, offset: offset, data: found.data, method: found.method };
          var first = head(entry, false);
          parts.push(first, entry.name, entry.data);
          offset += first.length + entry.name.length + entry.data.length;
          entries.push({ name: entry.name, crc: entry.crc, size: entry.size, offset: entry.offset, method: entry.method, data: { length: entry.data.length } });
          if (offset > MOST) throw new Error('The files are more than 64 MB, compressed.');
        });
      });
    }, Promise.resolve()).then(function () {
      var begin = offset, size = 0;
      entries.forEach(function (entry) {
        var first = head(entry, true);
        parts.push(first, entry.name);
        size += first.length + entry.name.length;
      });
      var end = new DataView(new ArrayBuffer(22));
      end.setUint32(0, 0x06054b50, true);
      end.setUint16(8, entries.length, true);
      end.setUint16(10, entries.length, true);
      end.setUint32(12, size, true);
      end.setUint32(16, begin, true);
      parts.push(new Uint8Array(end.buffer));
      return new Blob(parts, { type: 'application/zip' });
    });
  }

  // --- sending ----------------------------------------------------------------------------------------------------

  function send(blob) {
    if (blob.size > MOST) throw new Error('The archive has more than 64 MB.');
    say('Checking …');
    var wanted = new URLSearchParams(location.search).get('benchmark') === 'xtreme' ? 'xtreme' : 'xtreme-r';
    return fetch('/api/v1/submissions:check?benchmark=' + wanted, {
      method: 'POST', body: blob, headers: { 'Content-Type': 'application/zip' }, credentials: 'same-origin'
    }).then(function (answer) {
      return answer.json().then(function (found) {
        say('');
        var said = answer.ok ? { found: found } : { problem: String(found.detail || 'The API refused it.') };
        ns.set_props('submit-answer', { data: said });
      });
    });
  }

  function check(files) {
    if (!may()) return;
    busy = true;
    var zips = files.filter(function (each) { return /\.zip$/i.test(each.path); });
    var wanted = files.filter(function (each) { return WANTED.test(each.path); });
    say('Reading ' + files.length + (files.length === 1 ? ' file …' : ' files …'));
    Promise.resolve().then(function () {
      if (zips.length === 1 && !wanted.length) return send(zips[0].file);
      if (!wanted.length) throw new Error('There is no file of a submission among them: .tsv, .json and .jsonl are read.');
      return archive(wanted).then(send);
    }).catch(function (error) {
      say('');
      ns.set_props('submit-answer', { data: { problem: error.message || String(error) } });
    }).then(function () { busy = false; });
  }

  // --- dropping and choosing -----------------------------------------------------------------------------------------

  function entries(reader, found) { // a folder is read in portions
    return new Promise(function (done, failed) { reader.readEntries(done, failed); }).then(function (some) {
      return some.length ? entries(reader, found.concat(some)) : found;
    });
  }

  function walk(entry, above) {
    var path = above ? above + '/' + entry.name : entry.name;
    if (entry.isFile) {
      return new Promise(function (done, failed) { entry.file(done, failed); }).then(function (file) { return [{ file: file, path: path }]; });
    }
    return entries(entry.createReader(), []).then(function (inner) {
      return Promise.all(inner.map(function (each) { return walk(each, path); }));
    }).then(function (lists) { return [].concat.apply([], lists); });
  }

  function choose(folder) {
    if (!may()) return;
    var field = document.createElement('input');
    field.type = 'file';
    if (folder) field.webkitdirectory = true;
    else field.accept = '.zip';
    field.onchange = function () {
      check(Array.prototype.map.call(field.files, function (file) { return { file: file, path: file.webkitRelativePath || file.name }; }));
    };
    field.click();
  }

  document.addEventListener('click', function (event) {
    var button = event.target.closest && event.target.closest('#submit-folder, #submit-file');
    if (button) choose(button.id === 'submit-folder');
  });

  ['dragenter', 'dragover', 'dragleave', 'drop'].forEach(function (name) {
    document.addEventListener(name, function (event) {
      var box = document.getElementById('submit-drop');
      if (!box) return;
      event.preventDefault(); // a file that misses the box must not replace the page
      var over = (name === 'dragenter' || name === 'dragover') && box.contains(event.target);
      box.classList.toggle('submit-over', over);
      if (name !== 'drop' || !box.contains(event.target) || !may()) return;
      var items = Array.prototype.map.call(event.dataTransfer.items || [], function (item) {
        return item.webkitGetAsEntry && item.webkitGetAsEntry();
      }).filter(Boolean);
      Promise.all(items.map(function (entry) { return walk(entry, ''); })).then(function (lists) {
        check([].concat.apply([], lists));
      }, function () { ns.set_props('submit-answer', { data: { problem: 'What was dropped cannot be read.' } }); });
    });
  });
})();
