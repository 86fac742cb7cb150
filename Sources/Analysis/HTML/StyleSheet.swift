/// The style sheet of all pages, for light and dark, wide and narrow screens.
let styleSheet: Markup = """
    :root{color-scheme:light dark;--paper:#f6f7f9;--card:#fff;--ink:#1b2230;--dim:#667085;--line:#e4e7ec;--bar:#3b6fd4;
    --track:#eef1f5;--waste:#d9822b;--good:#18794e;--goodbg:#e3f5ec;--bad:#b42318;--badbg:#fdeceb;--warn:#93610a;
    --warnbg:#fdf3dc;--p0:#3b6fd4;--p1:#7a5af0;--p2:#0e9384;--p3:#d9822b;--p4:#c4417a;--p5:#5d7a23;--p6:#667085}
    @media (prefers-color-scheme:dark){:root{--paper:#0f1319;--card:#171c25;--ink:#e6e9ef;--dim:#97a1b3;--line:#2a313d;
    --bar:#6a9bf5;--track:#222936;--waste:#e8a052;--good:#5fd39a;--goodbg:#12301f;--bad:#ff8a80;--badbg:#3a1715;
    --warn:#f0c061;--warnbg:#352a10;--p0:#6a9bf5;--p1:#a68bff;--p2:#3cc4b2;--p3:#e8a052;--p4:#ee7eae;--p5:#a2c258;
    --p6:#97a1b3}}
    *{box-sizing:border-box}
    body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
    main{max-width:1080px;margin:0 auto;padding:32px 24px 56px}
    h1{font-size:26px;line-height:1.25;margin:0 0 4px;letter-spacing:-.01em;overflow-wrap:anywhere}
    h2{font-size:17px;margin:0 0 4px}
    h3{font-size:14px;margin:18px 0 8px;display:flex;gap:8px;align-items:baseline;flex-wrap:wrap}
    h3 span{font-weight:400;color:var(--dim)}
    p{margin:0}
    code{font:12.5px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
    .sub{color:var(--dim);overflow-wrap:anywhere}
    .note{color:var(--dim);font-size:13.5px;margin-bottom:12px}
    section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:20px 22px;margin-top:18px}
    .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(176px,1fr));gap:14px;margin-top:22px}
    .tile{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:16px 18px}
    .tile .name{color:var(--dim);font-size:13px}
    .tile .value{font-size:24px;font-weight:650;letter-spacing:-.02em;margin:2px 0;font-variant-numeric:tabular-nums}
    .tile .value s{color:var(--dim);font-weight:450;font-size:18px;text-decoration:none}
    .tile .remark{font-size:13px;color:var(--dim)}
    .up{color:var(--good);font-weight:600}.down{color:var(--bad);font-weight:600}
    .row{display:grid;grid-template-columns:minmax(0,5fr) minmax(0,4fr) 124px;gap:14px;align-items:center;padding:5px 0}
    .row .label{white-space:nowrap;overflow:hidden;text-overflow:ellipsis;color:var(--ink)}
    .row .label b{color:var(--dim);font-weight:500;display:inline-block;min-width:16px}
    .bar{display:flex;height:14px;background:var(--track);border-radius:4px;overflow:hidden}
    .bar i{display:block;background:var(--bar);min-width:2px}
    .bar .wasted,.key .wasted{background:repeating-linear-gradient(135deg,var(--waste) 0 4px,transparent 4px 7px)}
    .row .amount{text-align:right;font-variant-numeric:tabular-nums;font-size:13.5px;line-height:1.25}
    .row .amount span{display:block;color:var(--dim);font-size:12px}
    .time{display:grid;grid-template-columns:64px minmax(0,1fr) 92px;gap:14px;align-items:center;margin:8px 0}
    .time .bar{height:30px;border-radius:6px}
    .time .bar i{position:relative}
    .time .amount{text-align:right;font-weight:650;font-variant-numeric:tabular-nums}
    .axis{display:flex;justify-content:space-between;margin:2px 106px 0 78px;color:var(--dim);font-size:12px;
    border-top:1px solid var(--line);padding-top:3px;font-variant-numeric:tabular-nums}
    .key{display:flex;flex-wrap:wrap;gap:6px 16px;margin-top:12px;font-size:13px;color:var(--dim)}
    .key i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px;background:var(--bar)}
    .bar .p0,.key .p0{background:var(--p0)}.bar .p1,.key .p1{background:var(--p1)}.bar .p2,.key .p2{background:var(--p2)}
    .bar .p3,.key .p3{background:var(--p3)}.bar .p4,.key .p4{background:var(--p4)}.bar .p5,.key .p5{background:var(--p5)}
    .bar .p6,.key .p6{background:var(--p6)}
    .scroll{overflow-x:auto}td:first-child code{white-space:nowrap}
    table{border-collapse:collapse;width:100%;font-size:13.5px}
    th{font-weight:500;color:var(--dim);text-align:left;padding:4px 14px 6px 0;border-bottom:1px solid var(--line);white-space:nowrap}
    td{padding:6px 14px 6px 0;border-bottom:1px solid var(--line);vertical-align:top;font-variant-numeric:tabular-nums}
    tr:last-child td{border-bottom:0}
    .num{text-align:right;white-space:nowrap}
    .pill{display:inline-block;border-radius:99px;padding:1px 9px;font-size:12px;font-weight:600;background:var(--track);color:var(--dim)}
    .pill.holds{background:var(--goodbg);color:var(--good)}.pill.broken{background:var(--badbg);color:var(--bad)}
    .findings{list-style:none;margin:8px 0 0;padding:0}
    .findings li{padding:12px 0;border-top:1px solid var(--line)}
    .findings li:first-child{border-top:0}
    .findings .head{display:flex;gap:10px;align-items:center;flex-wrap:wrap;margin-bottom:2px}
    .findings .cost{margin-left:auto;font-weight:650;font-variant-numeric:tabular-nums}
    .error .pill{background:var(--badbg);color:var(--bad)}.warning .pill{background:var(--warnbg);color:var(--warn)}
    .findings p{overflow-wrap:anywhere}
    .findings .fix{color:var(--dim)}.findings .fix::before{content:"→ "}
    .paths{display:flex;flex-wrap:wrap;gap:2px 14px;color:var(--dim);margin:2px 0}
    details{margin-top:10px}summary{cursor:pointer;color:var(--dim);font-size:13.5px}
    footer{color:var(--dim);font-size:12.5px;margin-top:22px;overflow-wrap:anywhere}
    @media (max-width:640px){main{padding:20px 12px 40px}section{padding:16px 14px}h1{font-size:21px}
    .row{grid-template-columns:minmax(0,1fr) auto;gap:2px 10px;padding:7px 0}.row .label{grid-column:1/3}
    .row .amount{display:flex;gap:8px;align-items:baseline}.time{grid-template-columns:minmax(0,1fr) auto;gap:2px 10px}
    .time .bar{grid-column:1/3;grid-row:2}.axis{margin-left:0;margin-right:0}.tiles{grid-template-columns:1fr 1fr;gap:10px}
    .scroll table{min-width:520px}.tile{padding:12px 13px}.tile .value{font-size:19px}.tile .value s{font-size:15px}}
    """
