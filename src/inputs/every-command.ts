import { mailInputsFit } from './notifiers/mail.ts';
import { sshInputsFit } from './stores/ssh.ts';

/** What holds of the inputs that every command has. */
export const everyCommand = [sshInputsFit, mailInputsFit];
