import { countOf } from '../../units.ts';
import { type CheckReport, resultsOf } from './report.ts';

/** The verdict of a check in one line. */
export interface Headline {
  symbol: string;
  text: string;
}

export function headlineOf({ result, stores }: CheckReport): Headline {
  const results = resultsOf(stores);
  const failed = results.filter(({ status }) => status === 'failed');
  const warnings = results.filter(({ status }) => status === 'warning').length;
  const open = results.filter(({ status }) => status === 'not-evaluated').length;
  switch (result) {
    case 'passed':
      return { symbol: '✅', text: 'All checks passed' };
    case 'warning': {
      const counts = [
        ...(warnings === 0 ? [] : [countOf(warnings, 'warning')]),
        ...(open === 0 ? [] : [`${open} not evaluated`]),
      ];
      return { symbol: '⚠️', text: `Needs attention: ${counts.join(', ')}` };
    }
    case 'failed': {
      const names = [...new Set(failed.map(({ rule }) => rule))];
      return { symbol: '❌', text: `${countOf(failed.length, 'check')} failed: ${names.join(', ')}` };
    }
  }
}
