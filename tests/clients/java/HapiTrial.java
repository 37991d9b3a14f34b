import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.api.PreferReturnEnum;
import ca.uhn.fhir.rest.api.SummaryEnum;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.apache.GZipContentInterceptor;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import ca.uhn.fhir.rest.server.exceptions.*;
import java.math.BigDecimal;
import java.util.*;
import org.hl7.fhir.instance.model.api.IBaseBundle;
import org.hl7.fhir.r4.model.*;

/** HAPI's client against a running exchange: each step is what the client is made for. One JSON line a step. */
public class HapiTrial {
  interface Work { void run() throws Exception; }

  static final String BASE = System.getenv("FHIR_BASE"), SYSTEM = "urn:example:hapi";
  static final String MARK = UUID.randomUUID().toString().substring(0, 8);
  static final FhirContext CONTEXT = FhirContext.forR4();
  static final IGenericClient CLIENT = client(System.getenv("FHIR_TOKEN"));

  static IGenericClient client(String token) {
    IGenericClient made = CONTEXT.newRestfulGenericClient(BASE);
    if (token != null) made.registerInterceptor(new BearerTokenAuthInterceptor(token));
    return made;
  }

  static void step(String name, Work work) {
    String error = "";
    try {
      work.run();
    } catch (Throwable reason) {
      StringBuilder text = new StringBuilder(String.valueOf(reason));
      for (StackTraceElement at : reason.getStackTrace())
        if (at.getClassName().startsWith("HapiTrial")) text.append(" at line ").append(at.getLineNumber());
      error = text.toString();
    }
    String quoted = error.replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\s+", " ");
    System.out.println("{\"step\": \"" + name + "\", \"error\": \"" + quoted + "\"}");
  }

  static void same(Object expected, Object found) {
    if (!Objects.equals(expected, found)) throw new AssertionError("expected " + expected + ", found " + found);
  }

  static <T extends Throwable> T refused(Class<T> kind, Work work) throws Exception {
    try {
      work.run();
    } catch (Throwable found) {
      if (kind.isInstance(found)) return kind.cast(found);
      throw new AssertionError("another error: " + found);
    }
    throw new AssertionError("it was not refused");
  }

  static OperationOutcome said(BaseServerResponseException refusal) {
    return (OperationOutcome) refusal.getOperationOutcome();
  }

  static Patient patient(String value) {
    Patient made = new Patient();
    made.addIdentifier().setSystem(SYSTEM).setValue(value);
    made.addName().setFamily("王").addGiven("晓梅");
    return made;
  }

  static Observation observation(IdType subject, String value) {
    Observation made = new Observation();
    made.setStatus(Observation.ObservationStatus.FINAL).getCode().setText(MARK);
    made.setSubject(new Reference(subject.toUnqualifiedVersionless()));
    made.setValue(new Quantity().setValue(new BigDecimal(value)).setUnit("mmol/l")
        .setSystem("http://unitsofmeasure.org").setCode("mmol/L"));
    return made;
  }

  static IdType create(Resource resource) {
    return (IdType) CLIENT.create().resource(resource).execute().getId();
  }

  static void life(IGenericClient client, String mark) throws Exception {
    MethodOutcome made = client.create().resource(patient(mark)).prefer(PreferReturnEnum.REPRESENTATION).execute();
    same(true, made.getCreated());
    IdType id = (IdType) made.getId();
    same("1", id.getVersionIdPart());
    Patient read = client.read().resource(Patient.class).withId(id.getIdPart()).execute();
    same("王", read.getNameFirstRep().getFamily());
    read.setGender(Enumerations.AdministrativeGender.FEMALE);
    same("2", client.update().resource(read).execute().getId().getVersionIdPart());
    Patient first = client.read().resource(Patient.class).withIdAndVersion(id.getIdPart(), "1").execute();
    same(null, first.getGender());
    client.delete().resourceById(id.toUnqualifiedVersionless()).execute();
    refused(ResourceGoneException.class,
        () -> client.read().resource(Patient.class).withId(id.getIdPart()).execute());
  }

  static int pages(IGenericClient client, int size, Set<String> ids) {
    Bundle page = client.search().forResource(Organization.class).where(Organization.NAME.matches().value(MARK))
        .count(size).returnBundle(Bundle.class).execute();
    int pages = 0;
    while (true) {
      pages++;
      page.getEntry().forEach(one -> ids.add(one.getResource().getIdElement().getIdPart()));
      if (page.getLink(IBaseBundle.LINK_NEXT) == null) return pages;
      page = client.loadPage().next(page).execute();
    }
  }

  public static void main(String[] arguments) {
    step("capabilities", () -> {
      CapabilityStatement found = CLIENT.capabilities().ofType(CapabilityStatement.class).execute();
      same("4.0.1", found.getFhirVersion().toCode());
      same(true, found.getRestFirstRep().getResource().stream().anyMatch(one -> one.getType().equals("Patient")));
    });
    step("life", () -> life(CLIENT, MARK + "-life"));
    step("lifeInXml", () -> {
      IGenericClient xml = client(System.getenv("FHIR_TOKEN"));
      xml.setEncoding(EncodingEnum.XML);
      life(xml, MARK + "-xml");
    });
    step("lifeCompressed", () -> {
      IGenericClient small = client(System.getenv("FHIR_TOKEN"));
      small.registerInterceptor(new GZipContentInterceptor());
      life(small, MARK + "-gzip");
    });
    step("digits", () -> {
      IdType subject = create(patient(MARK + "-digits"));
      IdType made = create(observation(subject, "6.10"));
      IGenericClient xml = client(System.getenv("FHIR_TOKEN"));
      xml.setEncoding(EncodingEnum.XML);
      for (IGenericClient one : List.of(CLIENT, xml)) {
        Observation read = one.read().resource(Observation.class).withId(made.getIdPart()).execute();
        same("6.10", read.getValueQuantity().getValue().toPlainString());
      }
    });
    step("notModified", () -> {
      IdType id = create(patient(MARK + "-nm"));
      Patient read = CLIENT.read().resource(Patient.class).withId(id.getIdPart()).execute();
      Patient again = CLIENT.read().resource(Patient.class).withId(id.getIdPart())
          .ifVersionMatches("1").returnNull().execute();
      same(null, again);
      same("1", read.getMeta().getVersionId());
    });
    step("everyPage", () -> {
      Bundle bundle = new Bundle().setType(Bundle.BundleType.TRANSACTION);
      for (int number = 0; number < 23; number++)
        bundle.addEntry().setResource(new Organization().setName(MARK + " " + number))
            .getRequest().setMethod(Bundle.HTTPVerb.POST).setUrl("Organization");
      CLIENT.transaction().withBundle(bundle).execute();
      Set<String> ids = new HashSet<>();
      same(5, pages(CLIENT, 5, ids));
      same(23, ids.size());
    });
    step("search", () -> {
      IdType subject = create(patient(MARK + "-search"));
      create(observation(subject, "5.4"));
      create(observation(subject, "7.9"));
      Bundle found = CLIENT.search().forResource(Observation.class)
          .where(Observation.SUBJECT.hasId(subject.toUnqualifiedVersionless()))
          .and(Observation.VALUE_QUANTITY.greaterThan().number("7").andUnits("http://unitsofmeasure.org", "mmol/L"))
          .include(Observation.INCLUDE_SUBJECT).returnBundle(Bundle.class).execute();
      same(List.of("MATCH", "INCLUDE"), found.getEntry().stream().map(one -> one.getSearch().getMode().name()).toList());
      Bundle chained = CLIENT.search().forResource(Observation.class)
          .where(Observation.PATIENT.hasChainedProperty(
              Patient.IDENTIFIER.exactly().systemAndIdentifier(SYSTEM, MARK + "-search")))
          .sort().descending(Observation.VALUE_QUANTITY).returnBundle(Bundle.class).execute();
      same(2, chained.getEntry().size());
      same("7.9", ((Observation) chained.getEntryFirstRep().getResource()).getValueQuantity().getValue().toString());
      Bundle back = CLIENT.search().forResource(Patient.class)
          .where(Patient.IDENTIFIER.exactly().systemAndIdentifier(SYSTEM, MARK + "-search"))
          .revInclude(Observation.INCLUDE_SUBJECT).usingStyle(ca.uhn.fhir.rest.api.SearchStyleEnum.POST)
          .returnBundle(Bundle.class).execute();
      same(3, back.getEntry().size());
      Bundle summary = CLIENT.search().forResource(Patient.class)
          .where(Patient.IDENTIFIER.exactly().systemAndIdentifier(SYSTEM, MARK + "-search"))
          .summaryMode(SummaryEnum.COUNT).returnBundle(Bundle.class).execute();
      same(1, summary.getTotal());
    });
    step("conditions", () -> {
      MethodOutcome first = CLIENT.create().resource(patient(MARK + "-if")).conditional()
          .where(Patient.IDENTIFIER.exactly().systemAndIdentifier(SYSTEM, MARK + "-if")).execute();
      MethodOutcome second = CLIENT.create().resource(patient(MARK + "-if")).conditional()
          .where(Patient.IDENTIFIER.exactly().systemAndIdentifier(SYSTEM, MARK + "-if")).execute();
      same(first.getId().getIdPart(), second.getId().getIdPart());
      Patient changed = patient(MARK + "-if");
      changed.setActive(true);
      MethodOutcome third = CLIENT.update().resource(changed).conditional()
          .where(Patient.IDENTIFIER.exactly().systemAndIdentifier(SYSTEM, MARK + "-if")).execute();
      same("2", third.getId().getVersionIdPart());
      create(patient(MARK + "-if"));
      refused(PreconditionFailedException.class, () -> CLIENT.update().resource(patient(MARK + "-if")).conditional()
          .where(Patient.IDENTIFIER.exactly().systemAndIdentifier(SYSTEM, MARK + "-if")).execute());
    });
    step("patch", () -> {
      IdType id = create(patient(MARK + "-patch"));
      CLIENT.patch().withBody("[{\"op\": \"add\", \"path\": \"/active\", \"value\": true}]").withId(id.getIdPart() == null
          ? null : "Patient/" + id.getIdPart()).execute();
      Parameters change = new Parameters();
      Parameters.ParametersParameterComponent operation = change.addParameter().setName("operation");
      operation.addPart().setName("type").setValue(new CodeType("replace"));
      operation.addPart().setName("path").setValue(new StringType("Patient.active"));
      operation.addPart().setName("value").setValue(new BooleanType(false));
      CLIENT.patch().withFhirPatch(change).withId("Patient/" + id.getIdPart()).execute();
      same(false, CLIENT.read().resource(Patient.class).withId(id.getIdPart()).execute().getActive());
    });
    step("lostUpdate", () -> {
      IdType id = create(patient(MARK + "-lost"));
      Patient read = CLIENT.read().resource(Patient.class).withId(id.getIdPart()).execute();
      CLIENT.update().resource(read.copy().setActive(true)).execute();
      refused(PreconditionFailedException.class, () -> CLIENT.update().resource(read).execute());
    });
    step("transaction", () -> {
      String urn = "urn:uuid:" + UUID.randomUUID();
      Bundle bundle = new Bundle().setType(Bundle.BundleType.TRANSACTION);
      bundle.addEntry().setFullUrl(urn).setResource(patient(MARK + "-tx"))
          .getRequest().setMethod(Bundle.HTTPVerb.POST).setUrl("Patient").setIfNoneExist("identifier=" + SYSTEM + "|" + MARK + "-tx");
      Observation about = observation(new IdType("Patient/x"), "1.0");
      about.setSubject(new Reference(urn));
      bundle.addEntry().setResource(about).getRequest().setMethod(Bundle.HTTPVerb.POST).setUrl("Observation");
      Bundle answer = CLIENT.transaction().withBundle(bundle).execute();
      IdType made = new IdType(answer.getEntry().get(1).getResponse().getLocation());
      Observation stored = CLIENT.read().resource(Observation.class).withId(made.getIdPart()).execute();
      same(new IdType(answer.getEntryFirstRep().getResponse().getLocation()).getIdPart(),
          stored.getSubject().getReferenceElement().getIdPart());
      about.setStatus(null);
      refused(UnprocessableEntityException.class, () -> CLIENT.transaction().withBundle(bundle).execute());
    });
    step("history", () -> {
      IdType id = create(patient(MARK + "-hist"));
      Patient read = CLIENT.read().resource(Patient.class).withId(id.getIdPart()).execute();
      CLIENT.update().resource(read.setActive(true)).execute();
      CLIENT.delete().resourceById(id.toUnqualifiedVersionless()).execute();
      Bundle found = CLIENT.history().onInstance(id.toUnqualifiedVersionless()).returnBundle(Bundle.class).execute();
      same(List.of("DELETE", "PUT", "POST"), found.getEntry().stream().map(one -> one.getRequest().getMethod().name()).toList());
      same(Bundle.BundleType.HISTORY, CLIENT.history().onType(Patient.class).returnBundle(Bundle.class).count(3).execute().getType());
      same(Bundle.BundleType.HISTORY, CLIENT.history().onServer().returnBundle(Bundle.class).count(3).execute().getType());
    });
    step("operations", () -> {
      IdType id = create(patient(MARK + "-ops"));
      create(observation(id, "3.3"));
      Bundle everything = CLIENT.operation().onInstance(id.toUnqualifiedVersionless()).named("$everything")
          .withNoParameters(Parameters.class).useHttpGet().returnResourceType(Bundle.class).execute();
      List<String> kinds = everything.getEntry().stream().map(one -> one.getResource().fhirType()).toList();
      same(true, kinds.containsAll(List.of("Patient", "Observation")));
      MethodOutcome good = CLIENT.validate().resource(patient(MARK)).execute();
      same("INFORMATION", ((OperationOutcome) good.getOperationOutcome()).getIssueFirstRep().getSeverity().name());
      MethodOutcome bad = CLIENT.validate().resource(new Observation().setStatus(Observation.ObservationStatus.FINAL)).execute();
      same("ERROR", ((OperationOutcome) bad.getOperationOutcome()).getIssueFirstRep().getSeverity().name());
    });
    step("meta", () -> {
      Patient labelled = patient(MARK + "-meta");
      labelled.getMeta().addTag(SYSTEM, MARK, "a tag").addProfile("http://example.org/profile");
      IdType id = create(labelled);
      Bundle found = CLIENT.search().forResource(Patient.class).withTag(SYSTEM, MARK)
          .returnBundle(Bundle.class).execute();
      same(1, found.getEntry().size());
      same(id.getIdPart(), found.getEntryFirstRep().getResource().getIdElement().getIdPart());
    });
    step("errors", () -> {
      ResourceNotFoundException none = refused(ResourceNotFoundException.class,
          () -> CLIENT.read().resource(Patient.class).withId("none-" + MARK).execute());
      same("NOTFOUND", said(none).getIssueFirstRep().getCode().name());
      InvalidRequestException unknown = refused(InvalidRequestException.class,
          () -> CLIENT.search().byUrl("Patient?favourite=blue").returnBundle(Bundle.class).execute());
      same("NOTSUPPORTED", said(unknown).getIssueFirstRep().getCode().name());
      UnprocessableEntityException invalid = refused(UnprocessableEntityException.class,
          () -> CLIENT.create().resource(new Observation()).execute());
      same(true, said(invalid).getIssue().stream().anyMatch(one -> one.hasExpression()));
      refused(AuthenticationException.class, () -> {
        IGenericClient nobody = client(null);
        nobody.search().forResource(Patient.class).returnBundle(Bundle.class).execute();
      });
      refused(ForbiddenOperationException.class, () -> client(System.getenv("FHIR_READER")).create().resource(patient(MARK)).execute());
    });
    System.exit(0);
  }
}
