import { CommandReader, type WorkflowCommand } from '../../test/support/action/workflow-commands.ts';

/** Shows a step's output as the runner's log does: commands to the runner are obeyed, secrets are masked. */
export class RunnerLog {
  private readonly reader = new CommandReader();
  private readonly show: (line: string) => void;
  private masks: string[] = [];
  private rest = '';

  constructor(show: (line: string) => void) {
    this.show = show;
  }

  /** Takes output as it comes, cut anywhere. */
  write(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.line(line);
  }

  /** Shows what came last, if no line end followed it. */
  end(): void {
    if (this.rest !== '') this.line(this.rest);
  }

  private line(line: string): void {
    const { commands } = this.reader;
    const known = commands.length;
    const isText = !this.reader.read(line);
    if (isText) this.print(line);
    for (const command of commands.slice(known)) this.obey(command);
  }

  private obey({ name, properties, message }: WorkflowCommand): void {
    if (name === 'add-mask') this.masks = [...this.masks, ...message.split('\n').filter(Boolean)];
    if (name === 'group') this.print(`▸ ${message}`);
    if (name === 'error' || name === 'warning' || name === 'notice') {
      this.print([name, properties.title, message].filter(Boolean).join(': '));
    }
  }

  private print(line: string): void {
    this.show(this.masks.reduce((shown, mask) => shown.replaceAll(mask, '***'), line));
  }
}
