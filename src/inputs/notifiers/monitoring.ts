import { LifeboatError } from '../../errors.ts';
import { hasControlCharacter, quote } from '../../text.ts';
import { optional, type Parsers } from '../schema.ts';
import { parseAddress, parseAddresses, parseSmtpUrl } from './mail.ts';

/** The inputs by which every command tells others how it went. */
export const monitoringInputs = {
  'webhook-url': optional(parseServiceUrl),
  'heartbeat-url': optional(parseServiceUrl),
  'metrics-file': optional(parseMetricsFile),
  'pushgateway-url': optional(parseServiceUrl),
  'smtp-url': optional(parseSmtpUrl),
  'mail-to': optional(parseAddresses),
  'mail-from': optional(parseAddress),
} satisfies Parsers;

/** Whoever knows such a URL can use it: no error quotes it. */
export function parseServiceUrl(text: string): URL {
  const fix =
    'Write one such as https://chat.example.com/hooks/key (your value is not shown, because it can be a secret).';
  if (/\s/.test(text) || hasControlCharacter(text)) {
    throw new LifeboatError(`there is a blank or a line break in it: it is one URL. ${fix}`);
  }
  if (!/^https?:\/\/[^/]/i.test(text) || !URL.canParse(text)) {
    throw new LifeboatError(`it is not a URL that begins with https:// or http://. ${fix}`);
  }
  const url = new URL(text);
  if (![url.username, url.password].every(isEncoded)) {
    throw new LifeboatError(`there is a % in the user or the password. Write it as %25. ${fix}`);
  }
  return url;
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

export function parseMetricsFile(text: string): string {
  const fix = 'Write one in the folder that node_exporter reads, such as /var/lib/node_exporter/lifeboat-shop.prom.';
  if (!text.startsWith('/') || hasControlCharacter(text)) {
    throw new LifeboatError(`${quote(text)} is not an absolute path. ${fix}`);
  }
  if (!text.endsWith('.prom') || text.endsWith('/.prom')) {
    throw new LifeboatError(`${quote(text)} does not end in .prom, and node_exporter reads no other files. ${fix}`);
  }
  return text;
}
