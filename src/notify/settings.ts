/** A server that sends mail. */
export interface MailServer {
  host: string;
  port: number;
  /** `none`: it is this machine. */
  tls: 'at once' | 'STARTTLS' | 'none';
  login: { user: string; password: string } | null;
}

export interface MailSettings {
  server: MailServer;
  /** Addresses. */
  from: string;
  to: string[];
}

/** Whom a run notifies; null: not configured. */
export interface MonitoringSettings {
  /** Secrets, as whoever knows them can use them. */
  webhook: URL | null;
  heartbeat: URL | null;
  pushgateway: URL | null;
  mail: MailSettings | null;
  /** An absolute path. */
  metricsFile: string | null;
  /** The set, when it was named. */
  set: string | null;
}
