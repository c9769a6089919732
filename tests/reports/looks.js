// What a test asks of an opened page; evaluated in it, so that one visit answers many questions.
window.looks = (() => {
  const all = (what, from = document) => [...from.querySelectorAll(what)];
  const style = element => getComputedStyle(element);
  const short = text => text.replace(/\s+/g, ' ').trim().slice(0, 50);
  const named = element => `${element.tagName.toLowerCase()}.${element.getAttribute('class') || ''} “${short(element.textContent)}”`;
  const forReaders = element => element.closest('.hidden, title, desc, [aria-hidden="true"] .hidden');

  // Text nodes that are seen, each with the boxes of its lines; a head that is kept for screen readers only is not seen.
  const texts = () => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (!node.data.trim() || forReaders(parent) || parent.closest('.skip, .dot')) continue;
      const head = parent.closest('thead');
      if (head && style(head).clipPath !== 'none') continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const boxes = [...range.getClientRects()].filter(box => box.width > 0.5 && box.height > 0.5);
      if (boxes.length) found.push({ node, parent, boxes });
    }
    return found;
  };

  return {
    open: how => all('details').forEach(fold => { fold.open = how; }),
    excess: () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    // px on the screen of the smallest text in a chart, Infinity without one
    smallest: () => all('svg text').filter(text => text.getClientRects().length).reduce((least, text) => {
      const matrix = text.getScreenCTM();
      return Math.min(least, parseFloat(style(text).fontSize) * Math.min(matrix.a, matrix.d));
    }, Infinity),
    charts: () => all('svg').filter(svg => svg.querySelector('text')).length,
    // Words of the body by their number of times; without heads, whose words stand in cells where heads are not seen.
    words: () => texts().filter(({ parent }) => !parent.closest('thead, .kind, .tick')).map(({ node }) => short(node.data)),
    // Pairs of texts of two elements over one another. Boxes are as high as the font asks; letters take the middle.
    overlaps: () => {
      const boxes = texts().filter(({ parent }) => !parent.closest('.scroll')).flatMap(({ parent, boxes }) => boxes.map(box => ({
        parent, left: box.left + 1, right: box.right - 1,
        top: box.top + box.height * .25, bottom: box.bottom - box.height * .25,
      }))).sort((a, b) => a.top - b.top);
      const found = [];
      boxes.forEach((one, at) => {
        for (let next = at + 1; next < boxes.length && boxes[next].top < one.bottom; next += 1) {
          const other = boxes[next];
          if (one.parent !== other.parent && one.left < other.right && other.left < one.right) {
            found.push(`${named(one.parent)} and ${named(other.parent)}`);
          }
        }
      });
      return found;
    },
    // Labels in bars that are wider than their part, and texts cut off by a box that does not scroll.
    cut: () => {
      const bars = all('.likert text').filter(text => {
        const box = text.getBoundingClientRect();
        return !all('rect', text.parentElement).some(rect => {
          const part = rect.getBoundingClientRect();
          return part.left <= box.left + 1 && box.right - 1 <= part.right;
        });
      });
      const boxes = all('body *').filter(element => ['hidden', 'clip'].includes(style(element).overflowX)
        && !(element instanceof SVGElement) && !forReaders(element) && style(element).clipPath === 'none'
        && !element.matches('.dot') && element.scrollWidth > element.clientWidth + 1);
      return [...bars, ...boxes].map(named);
    },
    // One element for every way text looks: contrast depends on nothing else.
    samples: () => {
      const found = new Map();
      for (const { parent } of texts()) {
        const own = style(parent);
        const grounds = [];
        for (let each = parent; each; each = each.parentElement) {
          const { backgroundColor, backgroundImage, opacity } = style(each);
          grounds.push(opacity, backgroundImage);
          if (backgroundColor !== 'rgba(0, 0, 0, 0)') { grounds.push(backgroundColor); break; }
        }
        const key = [own.color, own.fill, own.fontSize, own.fontWeight, ...grounds].join();
        if (!found.has(key)) found.set(key, parent);
      }
      return [...found.values()];
    },
    // Put the focus before everything, whatever had it.
    top: () => {
      document.body.tabIndex = -1;
      document.body.focus();
      document.body.removeAttribute('tabindex');
      getSelection().removeAllRanges();
      scrollTo({ top: 0, behavior: 'instant' });
    },
    // What the tab key should reach, in the order of the document.
    stops: () => all('a[href], summary, button, input, select, [tabindex="0"]').filter(element => element.checkVisibility()),
    // Where they are while the page is at its top, and in which of its regions.
    places: stops => stops.map(element => {
      const lines = [...element.getClientRects()];  // a link may go on in the next line
      const [first, last] = [lines[0], lines[lines.length - 1]];
      const region = element.closest('nav, main, footer, header, .crumbs') || document.body;
      return { left: first.left, start: first.bottom, right: last.right, end: last.bottom, region: `${region.tagName} ${region.className}` };
    }),
    // Where the focus is: its place among the stops, how it is marked, and whether anything cuts the mark off.
    focus: stops => {
      const element = document.activeElement;
      const { outlineStyle, outlineWidth, outlineOffset, outlineColor } = style(element);
      const box = element.getBoundingClientRect();
      const reach = parseFloat(outlineOffset) + parseFloat(outlineWidth);
      let clipped = false;
      for (let each = element.parentElement; each && reach > 0; each = each.parentElement) {
        if (style(each).overflowX === 'visible') continue;
        const frame = each.getBoundingClientRect();
        if (each !== document.documentElement && each !== document.body) {
          clipped ||= box.left - reach < frame.left - 0.5 || box.right + reach > frame.right + 0.5;
        }
      }
      return {
        at: stops.indexOf(element), name: named(element), clipped,
        marked: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && outlineColor !== style(document.body).backgroundColor,
      };
    },
    // Marks of charts that have the colour of the canvas, in fill and in stroke.
    pale: () => {
      const probe = document.body.appendChild(document.createElement('div'));
      probe.setAttribute('class', 'probe');
      probe.style.backgroundColor = 'Canvas';
      const canvas = style(probe).backgroundColor;
      probe.remove();
      const gone = paint => paint === 'none' || paint === canvas || paint.startsWith('rgba(0, 0, 0, 0');
      return all('svg :is(rect, circle, line, polyline, polygon, text)').filter(mark => {
        const { fill, stroke, strokeWidth } = style(mark);
        const below = mark.matches('.likert text') ? mark.parentElement.querySelector(`rect.${mark.getAttribute('class')}`) : mark.previousElementSibling;
        const ground = mark.matches('.likert text, .number') && style(below).fill;
        if (ground) return fill === ground;  // these letters stand on a mark, not on the canvas
        return mark.getClientRects().length && gone(fill) && (gone(stroke) || parseFloat(strokeWidth) === 0);
      }).map(mark => `${mark.tagName}.${mark.getAttribute('class') || ''} in ${mark.closest('svg[class]').getAttribute('class')}`);
    },
    moving: () => document.getAnimations().length + all('*').filter(element => {
      const { transitionDuration, animationName, scrollBehavior } = style(element);
      return transitionDuration !== '0s' || animationName !== 'none' || scrollBehavior === 'smooth';
    }).length,
  };
})();
