import type { ManifestState } from '../state.ts';
import type { SetFacts } from './facts.ts';
import { failed, notEvaluated, type Outcome, passed, type Rule, warning } from './rule.ts';

/** What the newest backups say of themselves can be believed: each is the manifest of its folder, and signed if required. */
export const manifests: Rule<SetFacts> = {
  name: 'manifests',
  judge({ newest }, { signed }) {
    const bad = newest.flatMap(({ listed, manifest }) =>
      manifest.kind === 'invalid' ? [`${listed.id}: ${describeInvalid(manifest)}`] : [],
    );
    if (bad.length > 0) {
      return failed(
        bad,
        'Do not use these; find out who changed them. After a change of the signing key, give the former certificate in verification-key too.',
      );
    }
    const kinds = newest.map(({ manifest }) => manifest.kind);
    if (kinds.includes('unsigned')) return judgeUnsigned(newest, kinds.lastIndexOf('good'));
    const denied = newest.flatMap(({ manifest }) => (manifest.kind === 'denied' ? [manifest.why] : []));
    if (denied.length > 0) {
      return notEvaluated(
        [`${denied.length} of the newest ${newest.length} may not be read: ${denied[0]}`],
        'Give credentials that may read.',
      );
    }
    const how = signed
      ? 'read, each with a good signature'
      : 'read; who made them is not known without verification-key';
    return passed(`${newest.length} ${how}.`);
  },
};

function describeInvalid({ what, why }: Extract<ManifestState, { kind: 'invalid' }>): string {
  return what === 'signature' ? `its signature is not good: ${why}.` : why;
}

/** Backups from before manifests were signed do no harm, for they do not count; one after that is a gap or a forgery. */
function judgeUnsigned(newest: SetFacts['newest'], oldestGood: number): Outcome {
  const all = newest.filter(({ manifest }) => manifest.kind === 'unsigned');
  const since = all.filter((backup) => newest.indexOf(backup) < oldestGood);
  const next = 'Give signing-key to every run of the backup; else find out who wrote such a manifest.';
  if (since.length > 0) {
    return failed(
      since.map(({ listed }) => `${listed.id} is not signed, and an older one is.`),
      next,
    );
  }
  const found = `${all.length} of the newest ${newest.length} are not signed, and do not count.`;
  return oldestGood === -1 ? failed([found], next) : warning([found], 'Nothing: newer ones are signed.');
}
