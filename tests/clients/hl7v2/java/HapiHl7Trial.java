import ca.uhn.hl7v2.DefaultHapiContext;
import ca.uhn.hl7v2.HapiContext;
import ca.uhn.hl7v2.app.Connection;
import ca.uhn.hl7v2.app.HL7Service;
import ca.uhn.hl7v2.app.Initiator;
import ca.uhn.hl7v2.llp.MinLLPReader;
import ca.uhn.hl7v2.llp.MinLLPWriter;
import ca.uhn.hl7v2.llp.MinLowerLayerProtocol;
import ca.uhn.hl7v2.model.Message;
import ca.uhn.hl7v2.protocol.ReceivingApplication;
import ca.uhn.hl7v2.util.Hl7InputStreamMessageStringIterator;
import ca.uhn.hl7v2.util.Terser;
import java.io.FileInputStream;
import java.io.StringReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.*;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** HAPI HL7v2 as a hospital: it sends to the listener and receives a feed, in one process. One JSON line a step. */
public class HapiHl7Trial {
  interface Work { void run() throws Exception; }

  static final int LISTENER = port("LISTENER"), SECURE = port("SECURE"), OWN = port("OWN");
  static final String COLLISIONS = "亅巾榊昞";
  static final List<Message> RECEIVED = new CopyOnWriteArrayList<>();

  static int port(String name) { return Integer.parseInt(System.getenv("HL7_" + name)); }

  static void step(String name, Work work) {
    String error = "";
    try {
      work.run();
    } catch (Throwable reason) {
      StringBuilder text = new StringBuilder(String.valueOf(reason));
      for (StackTraceElement at : reason.getStackTrace())
        if (at.getClassName().startsWith("HapiHl7Trial")) text.append(" at line ").append(at.getLineNumber());
      error = text.toString();
    }
    String quoted = error.replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\s+", " ");
    System.out.println("{\"step\": \"" + name + "\", \"error\": \"" + quoted + "\"}");
  }

  static void same(Object expected, Object found) {
    if (!Objects.equals(expected, found)) throw new AssertionError("expected " + expected + ", found " + found);
  }

  static HapiContext context(String charset) {
    MinLowerLayerProtocol protocol = new MinLowerLayerProtocol();
    protocol.setCharset(charset);
    HapiContext made = new DefaultHapiContext();
    made.setLowerLayerProtocol(protocol);
    return made;
  }

  static final HapiContext UTF8 = context("UTF-8");

  /** An admission, written by HAPI's model of the version. */
  static Message admission(String version, String control, String family, String charset) throws Exception {
    Message made = (Message) Class.forName("ca.uhn.hl7v2.model.v" + version.replace(".", "") + ".message.ADT_A01")
        .getConstructor().newInstance();
    made.getClass().getMethod("initQuickstart", String.class, String.class, String.class).invoke(made, "ADT", "A01", "P");
    Terser terser = new Terser(made);
    String[][] fields = {
      {"MSH-3", "HIS"}, {"MSH-4", "H01"}, {"MSH-5", "HIE"}, {"MSH-6", "ZB"}, {"MSH-10", control}, {"MSH-18", charset},
      {"EVN-2", "20261124080000"}, {"PID-3-1", "L" + control}, {"PID-3-4", "H01"}, {"PID-3-5", "MR"},
      {"PID-5-1", family}, {"PID-5-2", "晓&梅"}, {"PID-7", "19850612"}, {"PID-8", "F"}, {"PV1-2", "I"},
      {"PV1-3-1", "W1"}, {"PV1-19-1", "V" + control}, {"PV1-44", "20261124080000"},
    };
    for (String[] field : fields) terser.set(field[0], field[1]);
    return made;
  }

  static Terser answer(HapiContext context, int port, boolean secure, Message message) throws Exception {
    Connection connection = context.newClient("localhost", port, secure);
    try {
      Initiator initiator = connection.getInitiator();
      initiator.setTimeout(20, TimeUnit.SECONDS);
      return new Terser(initiator.sendAndReceive(message));
    } finally {
      connection.close();
    }
  }

  static void accepted(String code, String control, Terser answer) throws Exception {
    same(code, answer.get("/MSA-1"));
    same(control, answer.get("/MSA-2"));
    same("ACK", answer.get("/MSH-9-1"));
    same("H01", answer.get("/MSH-6"));
  }

  static void original() throws Exception {
    for (String version : new String[] {"2.3", "2.5", "2.5.1"}) {
      String control = "O" + version.replace(".", "");
      Terser found = answer(UTF8, LISTENER, false, admission(version, control, "王", "UNICODE UTF-8"));
      accepted("AA", control, found);
      same(version, found.get("/MSH-12"));
    }
  }

  static void inOrder() throws Exception {
    Connection connection = UTF8.newClient("localhost", LISTENER, false);
    Initiator initiator = connection.getInitiator();
    for (int number = 0; number < 30; number++) {
      Message message = admission("2.5", "S" + number, "李", "UNICODE UTF-8");
      accepted("AA", "S" + number, new Terser(initiator.sendAndReceive(message)));
    }
    connection.close();
  }

  static void again() throws Exception {
    Message message = admission("2.5", "O25", "王", "UNICODE UTF-8");
    accepted("AA", "O25", answer(UTF8, LISTENER, false, message));
  }

  static void enhanced() throws Exception {
    String[][] rows = {{"AL", "NE", "CA"}, {"SU", "AL", "CA"}, {"NE", "AL", "AA"}, {"ER", "AL", "AA"}};
    for (int at = 0; at < rows.length; at++) {
      Message message = admission("2.5.1", "E" + at, "赵", "UNICODE UTF-8");
      Terser terser = new Terser(message);
      terser.set("MSH-15", rows[at][0]);
      terser.set("MSH-16", rows[at][1]);
      accepted(rows[at][2], "E" + at, answer(UTF8, LISTENER, false, message));
    }
  }

  static void refused() throws Exception {
    Terser wrong = answer(context("GB18030"), LISTENER, false, admission("2.5.1", "W1", "王", "UNICODE UTF-8"));
    accepted("AE", "W1", wrong);
    same("102", wrong.get("/ERR-3-1"));
    same("MSH", wrong.get("/ERR-2-1"));
    same("18", wrong.get("/ERR-2-3"));
    Message debug = admission("2.5.1", "W2", "王", "UNICODE UTF-8");
    new Terser(debug).set("MSH-11", "X");
    accepted("AR", "W2", answer(UTF8, LISTENER, false, debug));
  }

  static void gb18030() throws Exception {
    Message message = admission("2.5.1", "G1", COLLISIONS, "GB 18030-2000");
    new Terser(message).set("MSH-3", "系统" + COLLISIONS);
    Terser found = answer(context("GB18030"), LISTENER, false, message);
    accepted("AA", "G1", found);
    same("系统" + COLLISIONS, found.get("/MSH-5"));
    same("GB 18030-2000", found.get("/MSH-18"));
  }

  static void batch() throws Exception {
    StringBuilder text = new StringBuilder("FHS|^~\\&|HIS|H01\rBHS|^~\\&|HIS|H01\r");
    for (int at = 0; at < 3; at++) text.append(admission("2.5", "B" + at, "钱", "UNICODE UTF-8").encode());
    text.append("BTS|3\rFTS|1\r");
    try (Socket socket = new Socket("localhost", LISTENER)) {
      socket.setSoTimeout(20_000);
      new MinLLPWriter(socket.getOutputStream(), StandardCharsets.UTF_8).writeMessage(text.toString());
      String answers = new MinLLPReader(socket.getInputStream(), StandardCharsets.UTF_8).getMessage();
      Iterator<String> each = new Hl7InputStreamMessageStringIterator(new StringReader(answers));
      for (int at = 0; at < 3; at++)
        accepted("AA", "B" + at, new Terser(UTF8.getGenericParser().parse(each.next())));
      same(false, each.hasNext());
    }
  }

  static void tls() throws Exception {
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    try (FileInputStream file = new FileInputStream(System.getenv("HL7_CERTIFICATE"))) {
      trusted.setCertificateEntry("hie", CertificateFactory.getInstance("X.509").generateCertificate(file));
    }
    TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    managers.init(trusted);
    SSLContext secured = SSLContext.getInstance("TLS");
    secured.init(null, managers.getTrustManagers(), null);
    SSLContext.setDefault(secured);
    accepted("AA", "T1", answer(UTF8, SECURE, true, admission("2.5.1", "T1", "孙", "UNICODE UTF-8")));
  }

  static Terser received(String number) throws Exception {
    for (int tries = 0; tries < 200; tries++) {
      for (Message message : RECEIVED) {
        Terser terser = new Terser(message);
        boolean admitted = "A01".equals(terser.get("/MSH-9-2"));
        if (admitted && Arrays.asList(terser.getSegment("/PID").encode().split("[|^~]")).contains(number))
          return terser;
      }
      Thread.sleep(100);
    }
    throw new AssertionError("nothing of " + number + " among " + RECEIVED.size());
  }

  /** A person first, then the visit, each a message of its own. */
  static void feed() throws Exception {
    for (String number : new String[] {"LO251", "LG1", "LT1", "LB2", "LS29"}) {
      Terser found = received(number);
      same("ADT", found.get("/MSH-9-1"));
      same("H02", found.get("/MSH-6"));
      same("晓&梅", found.get("/PID-5-2"));
    }
    same(COLLISIONS, received("LG1").get("/PID-5-1"));
    same("V" + "T1", received("LT1").get("/PV1-19-1"));
    UTF8.getPipeParser().parse(RECEIVED.get(0).encode());
  }

  static HL7Service listen() throws Exception {
    HL7Service service = UTF8.newServer(OWN, false);
    service.registerApplication("*", "*", new ReceivingApplication<Message>() {
      public Message processMessage(Message message, Map<String, Object> about) {
        RECEIVED.add(message);
        try {
          return message.generateACK();
        } catch (Exception reason) {
          throw new IllegalStateException(reason);
        }
      }
      public boolean canProcess(Message message) { return true; }
    });
    service.startAndWait();
    return service;
  }

  public static void main(String[] arguments) throws Exception {
    HL7Service service = listen();
    step("original", HapiHl7Trial::original);
    step("inOrder", HapiHl7Trial::inOrder);
    step("again", HapiHl7Trial::again);
    step("enhanced", HapiHl7Trial::enhanced);
    step("refused", HapiHl7Trial::refused);
    step("gb18030", HapiHl7Trial::gb18030);
    step("batch", HapiHl7Trial::batch);
    step("tls", HapiHl7Trial::tls);
    step("feed", HapiHl7Trial::feed);
    service.stopAndWait();
    System.exit(0);
  }
}
