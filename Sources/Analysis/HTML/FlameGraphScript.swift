/// The script of the flame graph: it makes a tree of the view's frames, and one button for each visible frame.
let flameGraphScript = #"""
    'use strict';
    (() => {
      const $ = id => document.getElementById(id),
        data = JSON.parse($('flamedata').textContent),
        box = $('flame'),
        detail = $('detail');
      let view = 0,
        root, zoom;
      const time = ms => ms >= 1000 ? (ms / 1000).toFixed(2) + ' s' : ms >= 1 ? ms.toFixed(1) + ' ms' : ms.toFixed(2) + ' ms';
      const color = name => {
        let h = 0;
        for (const c of name) h = (h * 31 + c.codePointAt(0)) >>> 0;
        return name === '[kernel]' ? '#b9c0cc' : `hsl(${20 + h % 40} ${60 + h % 30}% ${66 + h % 14}%)`
      };
      const build = () => {
        root = {
          name: 'all',
          ms: 0,
          kids: new Map(),
          up: null
        };
        for (const row of data) {
          let at = root;
          at.ms += row[3];
          for (const name of row[view]) {
            let kid = at.kids.get(name);
            if (!kid) at.kids.set(name, kid = {
              name,
              ms: 0,
              kids: new Map(),
              up: at
            });
            kid.ms += row[3];
            at = kid
          }
        }
        zoom = root;
        draw()
      };
      const words = node => `${node.name}: ${time(node.ms)}, ${(100 * node.ms / root.ms).toFixed(1)} %`;
      const draw = () => {
        const found = $('find').value.toLowerCase();
        let depth = 0,
          hit = 0;
        const buttons = [];
        const add = (node, left, width, level, within) => {
          depth = Math.max(depth, level + 1);
          const matches = found && node.name.toLowerCase().includes(found);
          if (matches && !within) hit += node.ms;
          const b = document.createElement('button');
          b.type = 'button';
          b.textContent = width > 2 ? node.name : '';
          b.title = words(node);
          b.setAttribute('aria-label', words(node));
          b.style.cssText = `left:${left}%;width:${width}%;top:${level * 20}px;background:${color(node.name)}`;
          if (found && !matches) b.className = 'dim';
          b.onclick = () => {
            zoom = node;
            draw()
          };
          b.onmouseenter = b.onfocus = () => {
            detail.textContent = words(node)
          };
          buttons.push(b);
          let at = left;
          for (const kid of [...node.kids.values()].sort((a, b) => b.ms - a.ms)) {
            const share = width * kid.ms / node.ms;
            if (share > 0.08) add(kid, at, share, level + 1, within || matches);
            at += share
          }
        };
        const line = [];
        for (let n = zoom.up; n; n = n.up) line.unshift(n);
        line.forEach((n, i) => {
          const kids = n.kids;
          n.kids = new Map();
          add(n, 0, 100, i, false);
          n.kids = kids
        });
        add(zoom, 0, 100, line.length, false);
        box.replaceChildren(...buttons);
        box.style.height = depth * 20 + 'px';
        detail.textContent = found ? `${time(hit)} in frames with “${found}”` : words(zoom);
        for (const b of document.querySelectorAll('#by button')) b.setAttribute('aria-pressed', +b.dataset.by === view)
      };
      for (const b of document.querySelectorAll('#by button')) b.onclick = () => {
        view = +b.dataset.by;
        build()
      };
      $('find').oninput = draw;
      addEventListener('keydown', e => {
        if (e.key === 'Escape') {
          zoom = root;
          draw()
        }
      });
      $('flames').hidden = false;
      build()
    })();
    """#
