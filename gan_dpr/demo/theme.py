"""Look of the page: colours, system fonts and the few rules that Gradio's theme has no variable for."""

from importlib.util import find_spec

import gradio as gr
from starlette.middleware import Middleware

from .completion import CSS as COMPLETION_CSS
from .drawings_map import CSS as MAP_CSS
from .first_screen import CSS as FIRST_SCREEN_CSS
from .guide import CSS as GUIDE_CSS
from .pad import CSS as PAD_CSS
from .pictures import CSS as PICTURES_CSS
from .plots import CSS as PLOTS_CSS
from .read_back import CSS as READ_BACK_CSS
from .real_or_drawn import CSS as REAL_OR_DRAWN_CSS
from .root_path import EndsWithSlash
from .taking import CSS as TAKING_CSS
from .words import I18N

FONT = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans KR", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

# The generator's ink, the retriever's, "good" and "not yet". The first three are text, too: each has a contrast of
# least 4.5 to every ground.
INKS = {
    ":root": {"ink-g": "#c2410c", "ink-d": "#4c51d6", "good": "#237032", "wait": "#868e96"},
    ".dark": {"ink-g": "#ff922b", "ink-d": "#8f94ff", "good": "#69db7c", "wait": "#adb5bd"},
}
GROUNDS = {":root": ("#fbfaf8", "#ffffff"), ".dark": ("#171614", "#211f1d", "#2a2825")}  # page, blocks, fields
SUBDUED = {":root": "#6b645d", ".dark": "#a8a29e"}
BUTTON, BUTTON_HOVER, ON_BUTTON = "#c2410c", "#b03a08", "#ffffff"

CSS = (
    """
@INKS@
.gradio-container { --color-accent: var(--ink-g); }
#masthead { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 14px; padding: 6px 2px 0; }
#masthead h1 { font-size: 1.55rem; font-weight: 750; letter-spacing: -.02em; margin: 0; }
#masthead h1 span { color: var(--ink-g); }
#masthead p { margin: 0; color: var(--body-text-color-subdued); }
.status { font-size: .82rem; color: var(--body-text-color-subdued); padding: 0 2px 4px; }
.status b { color: var(--body-text-color); font-weight: 600; } .status span { color: inherit; }
/* On the line of the tabs, where there is room for both. */
#status { height: 0; min-height: 0; overflow: visible; text-align: right; pointer-events: none; z-index: 1; }
#status .status { transform: translateY(27px); pointer-events: auto; display: inline-block; }
#generate-tab > .column { gap: 10px; }
/* Gradio mounts each control when its code has come: until then its place is kept by what is below. */
.contain > .column > .tabs:not(#status ~ .tabs) { margin-top: 73px; }
#remark:not(.top ~ #remark) { margin-top: 122px; }
.top { display: grid !important; grid-template-columns: minmax(0, 7fr) minmax(300px, 4fr); gap: 10px !important;
  min-height: 112px; }
.top > .column { grid-column: 2; }
#remark { min-height: 30px; } #pictures { min-height: 324px; }
#pictures .wall-empty { min-height: 320px; display: grid; place-items: center; }
.hide-container > .html-container { padding: 0 !important; }
.lead p { color: var(--body-text-color-subdued); margin: 2px 2px 0 !important; }
#prompt textarea, #query textarea { font-size: 1.15rem; }
.tight input[type=range] { min-width: 0; }
.buttons { flex-wrap: wrap !important; gap: 8px !important; }
.buttons button { min-width: 84px !important; flex: 1 1 84px; }
#draw-it { flex-grow: 2; white-space: nowrap; }
.pairs button { flex-basis: 45% !important; }
.balance { display: flex; gap: 10px; align-items: center; border-radius: 10px; padding: 10px 14px;
  background: var(--block-background-fill); border: 1px solid var(--border-color-primary); }
.balance i { flex: none; width: 12px; height: 12px; border-radius: 50%; background: var(--wait); }
.balance.balanced i, .balance.won i { background: var(--good); }
.balance.d-wins i, .balance.d-leads i, .balance.d-starts i { background: var(--ink-d); }
.balance.g-wins i, .balance.g-leads i, .balance.reconstructing i, .balance.failed i, .balance.lost i {
  background: var(--ink-g); }
.balance small { margin-left: auto; color: var(--body-text-color-subdued); text-align: right;
  font-variant-numeric: tabular-nums; }
@media (max-width: 640px) {
  .tab-container button { padding: 0 7px !important; font-size: .9rem !important; }
  #masthead h1 { font-size: 1.3rem; } #masthead p { font-size: .9rem; }
  .balance { flex-wrap: wrap; } .balance span { flex: 1 1 0; min-width: 0; }
  .balance small { flex-basis: 100%; margin-left: 22px; text-align: left; }
  .steer button { flex-basis: 22%; }
  #masthead p { display: none; }
  .status .about { display: none; }
  #status { height: auto; text-align: left; } #status .status { transform: none; }
  /* The pictures come before the headline: first what is yours. */
  .top { display: contents !important; } .top > * { order: -2; } .top > .column { order: -1; }
  #prompt { padding-bottom: 8px; } #prompt .info-text { display: none; }
  .contain > .column > .tabs:not(#status ~ .tabs) { margin-top: 91px; }
  #remark:not(.top:has(#prompt) ~ #remark) { margin-top: 124px; }
  #remark { order: -2; min-height: 34px; } #pictures { order: -2; min-height: 452px; }
  #drawing { order: -2; }
  #drawing button { min-width: 0 !important; flex: 1 1 22%; padding: 6px 4px; font-size: .8rem; }
  /* Drawings and sliders share the screen while it trains: what cannot be changed then is folded. */
  #run-shown > .column { display: contents; } #run-shown > .column > * { order: 2; }
  #run-shown > .column > #sheet { order: 0; } #run-shown > .column > #rules { order: 1; }
  #mini-train-tab:has(#train-pause:enabled) .folds { display: none !important; }
  #mini-train-tab:has(#train-pause:enabled) .steer button:disabled { display: none; }
  #mini-train-tab:has(#train-pause:enabled) > .column { gap: 8px; }
  #mini-train-tab:has(#train-pause:enabled) #rules .info-text { display: none; }
  #mini-train-tab:has(#train-pause:enabled) #rules .block { padding-top: 2px; padding-bottom: 2px; }
  #mini-train-tab:has(#train-pause:enabled) #sheet .wall {
    grid-template-columns: repeat(6, minmax(0, 1fr)); --tile: 100% !important; }
  #mini-train-tab:has(#train-pause:enabled) #sheet .tile { box-sizing: border-box; }
  #mini-train-tab:has(#train-pause:enabled) #sheet .title { display: none; }
}
""".replace(
        "@INKS@",
        "\n".join(
            f"{where} {{ {' '.join(f'--{name}: {colour};' for name, colour in inks.items())} }}"
            for where, inks in INKS.items()
        ),
    )
    + FIRST_SCREEN_CSS
    + GUIDE_CSS
    + PICTURES_CSS
    + PLOTS_CSS
    + COMPLETION_CSS
    + MAP_CSS
    + PAD_CSS
    + READ_BACK_CSS
    + REAL_OR_DRAWN_CSS
)

# Gradio puts its own prefix before the selectors of `css` inside media queries, so rules for the page's frame
# go into the head.
HEAD = f"""<style>
.gradio-container .fillable.app {{ max-width: 1180px !important; }}
/* "Loading" stays in the middle of the window while the page grows under it. */
.fillable.app > .wrap.full {{ position: fixed !important; inset: 0; }}
@media (max-width: 640px) {{ .gradio-container .fillable.app {{ padding: 6px 8px !important; }} }}
{TAKING_CSS}
</style>"""


def theme() -> gr.themes.Base:
    """Warm white, one accent, no font from elsewhere."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.orange,
        secondary_hue=gr.themes.colors.indigo,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_lg,
        font=FONT,
        font_mono=MONO,
    ).set(
        body_background_fill=GROUNDS[":root"][0],
        body_background_fill_dark=GROUNDS[".dark"][0],
        block_background_fill=GROUNDS[":root"][1],
        block_background_fill_dark=GROUNDS[".dark"][1],
        block_border_width="1px",
        block_shadow="0 1px 2px rgba(40, 30, 20, .05)",
        block_shadow_dark="none",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        body_text_color_subdued=SUBDUED[":root"],
        body_text_color_subdued_dark=SUBDUED[".dark"],
        block_info_text_color=SUBDUED[":root"],
        block_info_text_color_dark=SUBDUED[".dark"],
        block_label_text_color="#44403c",
        block_title_text_weight="600",
        input_border_width="1px",
        input_border_color="#dad5cf",
        input_border_color_dark="#44403c",
        input_border_color_focus=BUTTON,
        input_background_fill=GROUNDS[":root"][1],
        input_background_fill_dark=GROUNDS[".dark"][2],
        button_primary_background_fill=BUTTON,
        button_primary_background_fill_hover=BUTTON_HOVER,
        button_primary_background_fill_dark=BUTTON,
        button_primary_background_fill_hover_dark=BUTTON_HOVER,
        button_primary_text_color=ON_BUTTON,
        button_primary_text_color_dark=ON_BUTTON,
        button_transition="background .12s",
    )


def launch_options() -> dict:
    """What Gradio 6 takes in `launch` rather than in `Blocks`."""
    return {
        "theme": theme(),
        "css": CSS,
        "head": HEAD,
        "i18n": I18N,
        "app_kwargs": {"middleware": [Middleware(EndsWithSlash)]},
        "footer_links": ["api"],
        "mcp_server": find_spec("mcp") is not None,  # the public endpoints as tools, where the extra is installed
        # Above the page's own limit, so that a sentence of ours names the file and the others are taken.
        "max_file_size": "50mb",
        "ssr_mode": False,  # a Node server beside the app, for nothing that this page needs
        "show_error": False,  # the page says sentences of its own; a traceback belongs in the log
    }
