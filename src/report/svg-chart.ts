import type { Chart } from './trend-chart.ts';

/* In the units of the picture's own coordinates. */
const WIDTH = 640;
const HEIGHT = 170;
const LEFT = 56;
const TOP = 10;
const BOTTOM = 24;

/** Bars as a picture of its own, that needs nothing from elsewhere. Words of ours, days and numbers only. */
export function svgChart({ title, unit, values, from, to }: Chart): string {
  const most = Math.max(...values) || 1;
  const step = (WIDTH - LEFT) / values.length;
  const room = HEIGHT - TOP - BOTTOM;
  const y = (value: number) => roundToTenth(TOP + room * (1 - value / most));
  const bars = values.map((value, index) => {
    const x = roundToTenth(LEFT + step * (index + 0.15));
    const tip = `<title>${index + 1}: ${value} ${unit}</title>`;
    return `<rect x="${x}" y="${y(value)}" width="${roundToTenth(step * 0.7)}" height="${roundToTenth((room * value) / most)}">${tip}</rect>`;
  });
  const lines = [0, most / 2, most].map(
    (value) =>
      `<line x1="${LEFT}" x2="${WIDTH}" y1="${y(value)}" y2="${y(value)}"/>` +
      `<text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${Number(value.toPrecision(3))}</text>`,
  );
  const foot = HEIGHT - 6;
  return [
    `<figure><figcaption>${title}, ${unit}</figcaption>`,
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}, ${unit}: ${values.join(', ')}">`,
    ...lines,
    ...bars,
    `<text x="${LEFT}" y="${foot}">${from}</text><text x="${WIDTH}" y="${foot}" text-anchor="end">${to}</text>`,
    '</svg></figure>',
  ].join('\n');
}

function roundToTenth(value: number): number {
  return Math.round(value * 10) / 10;
}
