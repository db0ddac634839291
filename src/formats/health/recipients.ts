import type { SetFacts } from './facts.ts';
import { notEvaluated, notRequested, passed, type Rule, warning } from './rule.ts';

const TEST =
  'Run restore-test on a backup that was made since the keys were changed: until then nobody has seen that the present private key opens one.';

/** The newest proven backup was made for everybody who is to open backups now. */
export const recipients: Rule<SetFacts> = {
  name: 'recipients',
  judge({ proven }, requirements) {
    if (requirements.recipients === null) return notRequested('public-key');
    if (proven === null) return notEvaluated(['No backup is proven.'], TEST);
    const { id } = proven.listed;
    if (proven.manifest.kind !== 'good') {
      return notEvaluated([`The manifest of ${id}, the newest proven one, cannot be used.`], 'See manifests.');
    }
    const { encryption } = proven.manifest.manifest;
    if (encryption.kind === 'passphrase') {
      return warning([`${id}, the newest proven one, was made with a passphrase, not for public-key.`], TEST);
    }
    const without = requirements.recipients.filter(({ subkey }) => !encryption.recipients.includes(subkey ?? ''));
    if (without.length === 0) return passed(`${id}, the newest proven one, was made for all of public-key.`);
    return warning(
      without.map(({ name }) => `${id}, the newest proven one, was not made for ${name}.`),
      TEST,
    );
  },
};
