"""Names of things are completed while a prompt is typed, in both languages. All of it happens in the browser."""

import json

from ..worlds.protocol import Guide

CSS = """
#completions { position: absolute; z-index: 50; margin: 4px 0 0; padding: 4px; display: flex;
  flex-wrap: wrap; gap: 4px; list-style: none; border-radius: 10px; font-size: .88rem; color: var(--body-text-color);
  background: var(--block-background-fill); border: 1px solid var(--border-color-primary);
  box-shadow: 0 6px 18px rgb(0 0 0 / .14); }
#completions[hidden] { display: none; }
#completions li { padding: 4px 10px; border-radius: 8px; cursor: pointer; }
#completions li[aria-selected=true], #completions li:hover { background: var(--ink-g); color: #fff; }
"""

# The last one to three words before the caret are the beginning of a name; arrows choose, Enter or a press takes it.
_SCRIPT = """() => {
  const NAMES = @NAMES@, MOST = 6, box = document.querySelector('#prompt textarea, #prompt input');
  if (!box) return;
  const list = document.body.appendChild(document.createElement('ul'));  // what is around the prompt would clip it
  list.id = 'completions';
  list.hidden = true;
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', 'Names, 이름');
  for (const [name, value] of [['role', 'combobox'], ['aria-autocomplete', 'list'], ['aria-controls', list.id],
                               ['aria-expanded', 'false']]) box.setAttribute(name, value);
  let start = 0, chosen = -1;
  const hangul = text => /[가-힣]/.test(text);
  const close = () => {
    list.hidden = true;
    chosen = -1;
    box.setAttribute('aria-expanded', 'false');
    box.removeAttribute('aria-activedescendant');
  };
  const found = () => {
    const before = box.value.slice(0, box.selectionStart), after = box.value.slice(box.selectionStart);
    if (/^[\\p{L}\\p{N}]/u.test(after)) return [];  // in the middle of a word
    const words = [...before.matchAll(/[\\p{L}\\p{N}’'-]+/gu)];
    for (let many = Math.min(3, words.length); many > 0; many--) {
      const begun = before.slice(start = words[words.length - many].index).toLowerCase();
      if (begun.length < (hangul(begun) ? 1 : 2)) continue;
      if (NAMES.some(name => name.toLowerCase() === begun.trim())) return [];  // it stands there already
      const names = NAMES.filter(name => name.toLowerCase().startsWith(begun));
      if (names.length) return names.sort((a, b) => a.length - b.length).slice(0, MOST);
    }
    return [];
  };
  const choose = i => {
    chosen = i;
    [...list.children].forEach((option, j) => option.setAttribute('aria-selected', i === j));
    if (i < 0) box.removeAttribute('aria-activedescendant');
    else box.setAttribute('aria-activedescendant', list.children[i].id);
  };
  const take = name => {
    const text = box.value.slice(0, start) + name, rest = box.value.slice(box.selectionStart);
    const set = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(box), 'value').set;
    set.call(box, text + rest);
    box.setSelectionRange(text.length, text.length);
    box.dispatchEvent(new Event('input', {bubbles: true}));
    close();
    box.focus();
  };
  box.addEventListener('input', event => {
    if (!event.isTrusted) return close();
    const names = found();
    list.replaceChildren(...names.map((name, i) => {
      const option = document.createElement('li');
      option.id = `completion-${i}`;
      option.textContent = name;
      option.setAttribute('role', 'option');
      return option;
    }));
    list.hidden = !names.length;
    const place = box.getBoundingClientRect();
    Object.assign(list.style, {left: `${place.left + scrollX}px`, top: `${place.bottom + scrollY}px`,
                               maxWidth: `${place.width}px`});
    box.setAttribute('aria-expanded', String(!list.hidden));
    choose(-1);
  });
  box.addEventListener('keydown', event => {
    if (list.hidden) return;
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key], many = list.children.length;
    if (step) choose((chosen + step + many + (chosen < 0 && step < 0)) % many);
    else if (event.key === 'Enter' && chosen >= 0) take(list.children[chosen].textContent);
    else if (event.key === 'Escape') close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  list.addEventListener('pointerdown', event => {
    const option = event.target.closest('li');
    if (!option) return;
    event.preventDefault();  // the prompt keeps the focus
    take(option.textContent);
  });
  box.addEventListener('blur', close);
}"""


def script(guide: Guide | None) -> str | None:
    """What completes the prompts of a world with names; None where it has none."""
    if guide is None:
        return None
    names = dict.fromkeys((*guide.names.values(), *guide.korean_names.values()))
    return _SCRIPT.replace("@NAMES@", json.dumps(list(names), ensure_ascii=False))
