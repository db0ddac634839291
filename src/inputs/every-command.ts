import { mailInputsFit } from './mail.ts';
import { sshInputsFit } from './ssh.ts';

/** What holds of the inputs that every command has. */
export const everyCommand = [sshInputsFit, mailInputsFit];
