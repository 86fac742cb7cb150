/// The part of the explorer's script for the table, of which only the rows in view are elements.
let explorerTable = #"""
      /* The table has elements only for the rows in view. */
      const view = $('files'),
        body = $('rows'),
        count = $('count'),
        height = 28;
      let shown = rows,
        focus = 0;
      const compare = {
        size: (a, b) => a.live - b.live,
        waste: (a, b) => a.waste - b.waste,
        layer: (a, b) => a.layer - b.layer,
        path: (a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0
      };
      const filter = () => {
        const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
        shown = words.length ? rows.filter(r => {
          const p = r.path.toLowerCase();
          return words.every(w => p.includes(w))
        }) : rows.slice();
        const c = compare[state.sort],
          s = state.desc === (state.sort !== 'path') ? -1 : 1;
        shown.sort((a, b) => s * c(a, b) || (a.path < b.path ? -1 : 1));
        count.textContent =
          `${shown.length.toLocaleString('en')} of ${rows.length.toLocaleString('en')} files, ${size(shown.reduce((t,r)=>t+r.live,0))}`;
        for (const b of box.querySelectorAll('[data-sort]')) {
          const on = b.dataset.sort === state.sort;
          b.parentElement.setAttribute('aria-sort', on ? (s < 0 ? 'descending' : 'ascending') : 'none')
        }
        $('grid').setAttribute('aria-rowcount', shown.length + 1);
        focus = 0;
        view.scrollTop = 0;
        paint()
      };
      const paint = () => {
        const from = Math.max(0, Math.floor(view.scrollTop / height) - 6),
          to = Math.min(shown.length, from + Math.ceil(view.clientHeight / height) + 12);
        body.style.height = shown.length * height + 'px';
        const part = document.createDocumentFragment();
        for (let i = from; i < to; i++) {
          const r = shown[i],
            row = make('div', {
              className: 'frow'
            });
          row.setAttribute('role', 'row');
          row.setAttribute('aria-rowindex', i + 2);
          row.tabIndex = i === focus ? 0 : -1;
          row.index = i;
          row.style.top = i * height + 'px';
          for (const [t, c] of [
              [size(r.live), 'num'],
              [r.waste ? size(r.waste) : '', 'num'],
              [String(r.layer), 'num'],
              [r.path, 'p']
            ]) {
            const d = make('div', {
              className: c,
              textContent: t
            });
            d.setAttribute('role', 'gridcell');
            if (c === 'p') d.title = r.path + (r.pack >= 0 ? ' (' + data.packages[r.pack] + ')' : '');
            row.append(d)
          }
          part.append(row)
        }
        body.replaceChildren(part)
      };
      let waiting = false;
      view.onscroll = () => {
        if (waiting) return;
        waiting = true;
        requestAnimationFrame(() => {
          waiting = false;
          const had = body.contains(document.activeElement);
          paint();
          if (had) body.querySelector('[tabindex="0"]')?.focus({
            preventScroll: true
          })
        })
      };
      const move = i => {
        focus = Math.max(0, Math.min(shown.length - 1, i));
        const y = focus * height;
        if (y < view.scrollTop) view.scrollTop = y;
        else if (y + height > view.scrollTop + view.clientHeight) view.scrollTop = y + height - view
          .clientHeight;
        paint();
        body.querySelector('[tabindex="0"]')?.focus({
          preventScroll: true
        })
      };
      body.onkeydown = e => {
        const page = Math.floor(view.clientHeight / height) - 1,
          to = {
            ArrowDown: focus + 1,
            ArrowUp: focus - 1,
            PageDown: focus + page,
            PageUp: focus - page,
            Home: 0,
            End: shown.length - 1
          } [e.key];
        if (to !== undefined) {
          e.preventDefault();
          move(to)
        } else if (e.key === 'Enter') {
          const r = shown[focus];
          if (r) go(r)
        }
      };
      body.onclick = e => {
        const row = e.target.closest('.frow');
        if (row) move(row.index)
      };
      body.ondblclick = () => {
        const r = shown[focus];
        if (r) go(r)
      };
      for (const b of box.querySelectorAll('[data-sort]')) b.onclick = () => {
        if (state.sort === b.dataset.sort) state.desc = !state.desc;
        else {
          state.sort = b.dataset.sort;
          state.desc = true
        }
        write(false);
        filter()
      };
      let timer;
      $('search').oninput = e => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          state.q = e.target.value;
          write(false);
          filter()
        }, 120)
      };
      const all = () => {
        read();
        $('search').value = state.q;
        draw();
        filter()
      };
      box.hidden = false;
      all();
      addEventListener('popstate', all);
      addEventListener('hashchange', all);
      dark.addEventListener('change', draw);
      let width = map.clientWidth;
      new ResizeObserver(() => {
        if (map.clientWidth !== width) {
          width = map.clientWidth;
          draw();
          paint()
        }
      }).observe(map);
      box.dataset.ready = 'yes';
    })();
    """#
