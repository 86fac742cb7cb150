/// The part of the explorer's script that draws the treemap and moves in it.
let explorerTreemap = #"""
      const map = $('map'),
        crumbs = $('crumbs'),
        legend = $('legend');
      let budget = 0;
      const describe = n =>
        `${path(n)}${n.kids?'/':''}, ${size(n.live)}${n.waste?', '+size(n.waste)+' hidden':''}, ${n.kids?n.files+' files':'layer '+n.layer+(n.pack>=0?', '+data.packages[n.pack]:'')}`;
      const place = (n, x, y, w, h, depth, into) => {
        const items = n.kids.map(k => ({
          n: k,
          a: amount(k)
        })).filter(k => k.a > 0).sort((a, b) => b.a - a.a);
        const out = [];
        squarify(items, x, y, w, h, out);
        for (const r of out) {
          if (r.w < 3 || r.h < 3 || budget-- <= 0) continue;
          const cell = make('button', {
            type: 'button',
            className: r.n.kids ? 'cell dir' : 'cell',
            title: describe(r.n)
          });
          cell.setAttribute('aria-label', describe(r.n));
          cell.tabIndex = -1;
          cell.node = r.n;
          cell.style.cssText = `left:${r.x}px;top:${r.y}px;width:${r.w-1}px;height:${r.h-1}px`;
          cell.style.background = color(r.n);
          if (r.w > 44 && r.h > 16) cell.append(make('span', {
            textContent: r.n.name + (r.n.kids ? '/' : '') + (r.h > 32 || !r.n.kids ? '' : '')
          }));
          into.append(cell);
          if (r.n.kids && depth < 2 && r.w > 60 && r.h > 48) place(r.n, r.x + 3, r.y + 18, r.w - 7, r.h - 22,
            depth + 1, into)
        }
      };
      let here = root;
      const draw = () => {
        here = find(state.path);
        top.clear();
        budget = 700;
        const w = map.clientWidth,
          h = map.clientHeight,
          part = document.createDocumentFragment();
        place(here, 0, 0, w, h, 0, part);
        map.replaceChildren(part);
        const first = map.querySelector('.cell');
        if (first) first.tabIndex = 0;
        else map.append(make('p', {
          className: 'note',
          textContent: 'No bytes here.'
        }));
        const parts = [];
        for (let n = here; n; n = n.up) parts.unshift(n);
        crumbs.replaceChildren(...parts.map((n, i) => {
            const b = make('button', {
              type: 'button',
              textContent: n.up ? n.name : '/'
            });
            b.onclick = () => go(n);
            if (i === parts.length - 1) b.setAttribute('aria-current', 'location');
            return b
          }),
          make('span', {
            textContent: `${size(here.live)} in ${here.files.toLocaleString('en')} files${here.waste?', '+size(here.waste)+' hidden':''}`
          }));
        for (const b of box.querySelectorAll('[data-by]')) b.setAttribute('aria-pressed', b.dataset.by ===
          state.by);
        const keys = new Map(),
          key = state.by === 'layer' ? f => f.layer : f => f.pack;
        const sum = n => {
          for (const k of n.kids)
            if (k.kids) sum(k);
            else keys.set(key(k), (keys.get(key(k)) || 0) + k.live)
        };
        legend.replaceChildren();
        if (state.by === 'waste') legend.append('Red: copies that later layers hide. Grey: nothing hidden.');
        else {
          sum(here);
          for (const [k, v] of [...keys].filter(e => e[1] > 0).sort((a, b) => b[1] - a[1]).slice(0, 8)) {
            const i = make('i');
            i.style.background = k < 0 ? plain() : hue(k);
            legend.append(make('span', {
              title: state.by === 'layer' ? data.layers[k] || '' : ''
            }, i, `${state.by==='layer'?'layer '+k:k<0?'no package':data.packages[k]} ${size(v)}`))
          }
        }
      };
      const go = n => {
        if (!n.kids) n = n.up;
        state.path = path(n);
        write(true);
        draw();
        map.querySelector('.cell')?.focus({
          preventScroll: true
        })
      };
      map.onclick = e => {
        const c = e.target.closest('.cell');
        if (!c) return;
        if (c.node.kids) go(c.node);
        else {
          state.q = path(c.node);
          $('search').value = state.q;
          write(true);
          filter();
          $('files').scrollIntoView({
            block: 'nearest'
          })
        }
      };
      map.onkeydown = e => {
        const c = document.activeElement;
        if (e.key === 'Escape' || e.key === 'Backspace') {
          if (here.up) {
            e.preventDefault();
            go(here.up)
          }
          return
        }
        const dir = {
          ArrowLeft: [-1, 0],
          ArrowRight: [1, 0],
          ArrowUp: [0, -1],
          ArrowDown: [0, 1]
        } [e.key];
        if (!dir || !c.node) return;
        e.preventDefault();
        const mid = b => {
            const r = b.getBoundingClientRect();
            return [r.x + r.width / 2, r.y + r.height / 2]
          },
          [cx, cy] = mid(c);
        let best = null,
          least = Infinity;
        for (const b of map.children) {
          if (b === c) continue;
          const [x, y] = mid(b), dx = x - cx, dy = y - cy, along = dx * dir[0] + dy * dir[1], off = Math.abs(
            dx * dir[1]) + Math.abs(dy * dir[0]);
          if (along <= 2 || off > along * 2) continue;
          const d = along + off * 2;
          if (d < least) {
            least = d;
            best = b
          }
        }
        if (best) {
          c.tabIndex = -1;
          best.tabIndex = 0;
          best.focus()
        }
      };
      for (const b of box.querySelectorAll('[data-by]')) b.onclick = () => {
        state.by = b.dataset.by;
        write(false);
        draw()
      };
    """#
