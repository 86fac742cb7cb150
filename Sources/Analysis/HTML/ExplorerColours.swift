/// The part of the explorer's script for the address, sizes and colours, and for the layout of the treemap.
let explorerLayout = #"""
      /* The state is in the address, so that every view is a link. */
      const state = {
        path: '/',
        by: 'layer',
        q: '',
        sort: 'size',
        desc: true
      };
      const read = () => {
        const p = new URLSearchParams(location.hash.slice(1));
        state.path = p.get('path') || '/';
        state.by = ['layer', 'waste', 'package'].includes(p.get('by')) ? p.get('by') : 'layer';
        state.q = p.get('q') || '';
        state.sort = ['size', 'waste', 'layer', 'path'].includes(p.get('sort')) ? p.get('sort') : 'size';
        state.desc = p.get('order') !== 'up'
      };
      const write = push => {
        const p = new URLSearchParams();
        if (state.path !== '/') p.set('path', state.path);
        if (state.by !== 'layer') p.set('by', state.by);
        if (state.q) p.set('q', state.q);
        if (state.sort !== 'size') p.set('sort', state.sort);
        if (!state.desc) p.set('order', 'up');
        const h = '#' + p;
        if (h !== (location.hash || '#')) history[push ? 'pushState' : 'replaceState'](null, '', h)
      };
      const dark = matchMedia('(prefers-color-scheme: dark)');
      const hue = n => `hsl(${(n*137.5+215)%360} ${dark.matches?'45% 32%':'60% 84%'})`;
      const plain = () => dark.matches ? '#2a313d' : '#e4e7ec';
      const amount = n => state.by === 'waste' ? n.live + n.waste : n.live;
      const top = new Map();
      const main = (n, key) => {
        if (!n.kids) return key(n);
        let m = top.get(n);
        if (m !== undefined) return m;
        const sums = new Map();
        const add = k => {
          for (const c of k.kids)
            if (c.kids) add(c);
            else sums.set(key(c), (sums.get(key(c)) || 0) + c.live)
        };
        add(n);
        m = -1;
        let best = -1;
        for (const [k, v] of sums)
          if (v > best) {
            best = v;
            m = k
          } top.set(n, m);
        return m
      };
      const color = n => {
        if (state.by === 'waste') {
          const part = n.waste / Math.max(1, n.live + n.waste);
          return n.waste ?
            `hsl(${30-part*25} ${dark.matches?'60%':'85%'} ${dark.matches?30+part*8:86-part*16}%)` : plain()
        }
        const key = state.by === 'layer' ? f => f.layer : f => f.pack;
        const k = main(n, key);
        return k < 0 ? plain() : hue(k)
      };
      /* Squarified treemap (Bruls, Huizing, van Wijk). */
      const squarify = (items, x, y, w, h, out) => {
        let rest = items;
        const total = items.reduce((s, i) => s + i.a, 0);
        if (!total || w < 1 || h < 1) return;
        const scale = w * h / total;
        let i = 0;
        while (i < rest.length && w >= 1 && h >= 1) {
          const side = Math.min(w, h);
          let row = [],
            sum = 0,
            worst = Infinity;
          while (i + row.length < rest.length) {
            const a = rest[i + row.length].a * scale,
              s = sum + a,
              max = (row.length ? row[0].a * scale : a),
              min = a;
            const r = Math.max(side * side * max / (s * s), s * s / (side * side * Math.max(min, 1e-9)));
            if (r > worst) break;
            worst = r;
            sum = s;
            row.push(rest[i + row.length])
          }
          const thick = sum / side;
          let p = 0;
          for (const it of row) {
            const len = it.a * scale / thick;
            out.push(w >= h ? {
              n: it.n,
              x,
              y: y + p,
              w: thick,
              h: len
            } : {
              n: it.n,
              x: x + p,
              y,
              w: len,
              h: thick
            });
            p += len
          }
          if (w >= h) {
            x += thick;
            w -= thick
          } else {
            y += thick;
            h -= thick
          }
          i += row.length
        }
      };
    """#
