"""Pictures that are taken out of the page: copied, shared, or dragged. All of it happens in the browser."""

CSS = """
#taken { position: fixed; left: 50%; bottom: 24px; transform: translateX(-50%); z-index: 1000; max-width: 90vw;
  padding: 9px 16px; border-radius: 10px; font-size: .88rem; background: var(--body-text-color);
  color: var(--body-background-fill); }
#taken:empty { display: none; }
.wall .do [hidden] { display: none; }
"""

# A wall is drawn anew whenever somebody types, so the page listens and not the wall. What is said lies in the wall's
# data, in the visitor's language.
SCRIPT = """() => {
  const said = document.body.appendChild(document.createElement('div'));
  said.id = 'taken';
  said.setAttribute('role', 'status');
  let fading = null;
  const say = text => {
    said.textContent = text;
    clearTimeout(fading);
    fading = setTimeout(() => { said.textContent = ''; }, 4000);
  };
  const pictureOf = element => element.closest('.tile')?.querySelector('.shot img');
  const nameOf = picture => picture.closest('.tile').querySelector('[download]')?.download || 'picture.png';

  // Other kinds become PNG, the one that every clipboard takes.
  const png = async picture => {
    const blob = await (await fetch(picture.src)).blob();
    if (blob.type === 'image/png') return blob;
    const pixels = await createImageBitmap(blob);
    const canvas = new OffscreenCanvas(pixels.width, pixels.height);
    canvas.getContext('2d').drawImage(pixels, 0, 0);
    return canvas.convertToBlob();
  };
  const copy = async picture => {
    const words = picture.closest('.wall').dataset;
    try {
      // A promise, since Safari forgets that somebody pressed while the bytes are fetched.
      await navigator.clipboard.write([new ClipboardItem({'image/png': png(picture)})]);
      say(words.copied);
    } catch { say(words.uncopied); }
  };
  const share = async picture => {
    const file = new File([await png(picture)], nameOf(picture), {type: 'image/png'});
    try { await navigator.share({files: [file], title: picture.alt}); } catch { }  // called off
  };

  document.addEventListener('click', event => {
    const pressed = event.target.closest?.('[data-copy], [data-share]');
    if (pressed) ('copy' in pressed.dataset ? copy : share)(pictureOf(pressed));
  });
  document.addEventListener('keydown', event => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'c' || String(getSelection())) return;
    const picture = pictureOf(document.activeElement);
    if (!picture) return;
    event.preventDefault();
    copy(picture);
  });
  document.addEventListener('dragstart', event => {
    const picture = event.target.closest?.('.shot')?.querySelector('img');
    if (!picture || !picture.closest('.tile')) return;
    event.dataTransfer.setData('DownloadURL', `image/png:${nameOf(picture)}:${picture.src}`);
  });

  const probe = new File([''], 'a.png', {type: 'image/png'});
  if (navigator.canShare?.({files: [probe]})) {
    const show = () => document.querySelectorAll('[data-share][hidden]').forEach(button => { button.hidden = false; });
    new MutationObserver(show).observe(document.body, {childList: true, subtree: true});
    show();
  }
}"""
