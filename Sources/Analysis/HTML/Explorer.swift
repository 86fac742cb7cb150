internal import ImageFiles
internal import Linux
internal import OCI

/// The explorer of a page: a treemap that can be entered, and a table of all files that can be searched and sorted.
///
/// It needs no network. Names of files get into the page only as text.
struct Explorer {
    /// The list of files in the page.
    let data: JSON

    /// The whole script.
    static let script = [explorerData, explorerLayout, explorerTreemap, explorerTable].joined(separator: "\n")

    /// The place of the explorer and its data; hidden until the script runs.
    var markup: Markup {
        // No tag can end the data before its end.
        let text = data.bytes.text.replacing("<", with: "\\u003c")
        return
            "\(Self.frame)<script type=\"application/json\" id=\"filedata\">\(Markup(stringLiteral: text))</script>\n"
    }

    private static let frame: Markup = """
        <section id="explorer" hidden>
        <h2>Explore</h2>
        <p class="note">Every file that a container sees. Select a directory to enter it, Escape to leave it; arrow keys move.</p>
        <nav id="crumbs" aria-label="Directory"></nav>
        <div class="by" role="group" aria-label="Colour"><span>Colour by</span>
        <button type="button" data-by="layer">layer</button><button type="button" data-by="waste">waste</button><button type="button" data-by="package">package</button></div>
        <div id="map" role="group" aria-label="Treemap of the directory"></div>
        <div id="legend" class="key"></div>
        <h3><label for="search">Files</label><span id="count" role="status"></span></h3>
        <input id="search" type="search" placeholder="Search in paths" autocomplete="off" spellcheck="false">
        <div id="grid" role="grid" aria-label="Files" aria-colcount="4">
        <div role="row" class="fhead"><div role="columnheader"><button type="button" data-sort="size">Size</button></div><div role="columnheader"><button type="button" data-sort="waste">Hidden</button></div><div role="columnheader"><button type="button" data-sort="layer">Layer</button></div><div role="columnheader"><button type="button" data-sort="path">Path</button></div></div>
        <div id="files" role="presentation" tabindex="-1"><div id="rows" role="rowgroup"></div></div>
        </div>
        </section>

        """
}

/// The style sheet of the explorer.
let explorerStyle: Markup = """
    :root{--cell:#0001}
    #map{position:relative;height:420px;margin-top:10px;background:var(--track);border-radius:8px;overflow:hidden}
    .cell{position:absolute;border:0;border-radius:3px;padding:0 4px;margin:0;text-align:left;font:12px/17px system-ui,sans-serif;
    color:var(--ink);overflow:hidden;white-space:nowrap;display:flex;align-items:flex-start;cursor:pointer;box-shadow:inset 0 0 0 1px var(--cell)}
    .cell.dir{font-weight:600}
    .cell span{overflow:hidden;text-overflow:ellipsis}
    .cell:focus-visible,#crumbs button:focus-visible,.frow:focus-visible{outline:2px solid var(--bar);outline-offset:-2px;z-index:1}
    #crumbs,.by{display:flex;flex-wrap:wrap;gap:4px 6px;align-items:center;font-size:13.5px}
    #crumbs span,.by span{color:var(--dim);margin-left:6px}.by{margin-top:8px}.by span{margin:0 4px 0 0}
    #explorer button:not(.cell){font:inherit;color:inherit;background:var(--track);border:1px solid var(--line);border-radius:6px;
    padding:2px 9px;cursor:pointer;min-height:26px}
    #explorer button[aria-pressed=true],#crumbs button[aria-current]{border-color:var(--bar);font-weight:600}
    #search{width:100%;font:inherit;color:inherit;background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:7px 11px;margin-bottom:8px}
    .fhead,.frow{display:grid;grid-template-columns:76px 76px 56px minmax(0,1fr);gap:10px;align-items:center;font-size:13px}
    #explorer .fhead button{border:0;background:none;padding:2px 0;color:var(--dim)}
    .fhead div:not(:last-child){text-align:right}.fhead div[aria-sort=ascending] button::after{content:" ↑"}.fhead div[aria-sort=descending] button::after{content:" ↓"}
    #files{height:392px;overflow-y:auto;border-top:1px solid var(--line)}#rows{position:relative}
    .frow{position:absolute;left:0;right:0;height:28px;border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums;cursor:default}
    .frow .p{font:12.5px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
    @media (max-width:640px){#map{height:320px}.fhead,.frow{grid-template-columns:54px 50px 44px minmax(0,1fr);gap:8px;font-size:12px}}
    @media print{#explorer{display:none}}
    """
