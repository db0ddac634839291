import { sshInputsFit } from './ssh.ts';

/** What holds of the inputs that every command has. */
export const everyCommand = [sshInputsFit];
