/// The part of the explorer's script that unpacks the list of files.
let explorerData = #"""
    'use strict';
    (async () => {
      const box = document.getElementById('explorer'),
        packed = document.getElementById('filedata');
      if (!box || !packed) return;
      const $ = id => document.getElementById(id),
        make = (tag, props, ...kids) => {
          const e = Object.assign(document.createElement(tag), props);
          e.append(...kids);
          return e
        };
      const size = n => {
        const u = ['B', 'kB', 'MB', 'GB', 'TB'];
        let i = 0;
        while (n >= 999.5 && i < 4) {
          n /= 1000;
          i++
        }
        return (i && n < 10 ? n.toFixed(1) : Math.round(n)) + u[i]
      };
      const data = JSON.parse(packed.textContent);
      if (typeof DecompressionStream === 'undefined') {
        box.hidden = false;
        box.textContent =
          'This browser cannot unpack the list of files; the tables below have the largest ones.';
        return
      }
      let text = '';
      {
        const decoder = new TextDecoder();
        for (const part of data.parts) {
          const bytes = Uint8Array.from(atob(part), c => c.charCodeAt(0));
          const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
          text += decoder.decode(await new Response(stream).arrayBuffer(), {
            stream: true
          })
        }
        text += decoder.decode()
      }
      /* Each line is d (a directory), u (its end) or f (a file), with fields after tabs in base 36. */
      const root = {
          name: '',
          kids: [],
          up: null,
          live: 0,
          waste: 0,
          files: 0
        },
        rows = [];
      {
        let at = root;
        for (const line of text.split('\n')) {
          const kind = line[0];
          if (kind === 'd') {
            const d = {
              name: line.slice(1),
              kids: [],
              up: at,
              live: 0,
              waste: 0,
              files: 0
            };
            at.kids.push(d);
            at = d
          } else if (kind === 'u') {
            at.up.live += at.live;
            at.up.waste += at.waste;
            at.up.files += at.files;
            at = at.up
          } else if (kind === 'f') {
            const f = line.slice(1).split('\t'),
              n = k => f[k] ? parseInt(f[k], 36) : 0;
            const file = {
              name: f[0],
              up: at,
              live: n(1),
              layer: n(2),
              waste: n(3),
              pack: f[4] ? n(4) : -1,
              files: 1
            };
            at.kids.push(file);
            at.live += file.live;
            at.waste += file.waste;
            at.files++;
            rows.push(file)
          }
        }
      }
      text = '';
      const path = node => {
        const parts = [];
        for (let n = node; n.up; n = n.up) parts.push(n.name);
        return '/' + parts.reverse().join('/')
      };
      for (const row of rows) row.path = path(row);
      const find = p => {
        let n = root;
        for (const part of p.split('/').filter(Boolean)) {
          const k = n.kids && n.kids.find(k => k.name === part);
          if (!k || !k.kids) return n;
          n = k
        }
        return n
      };
    """#
