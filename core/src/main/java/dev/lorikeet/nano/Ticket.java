package dev.lorikeet.nano;

/**
 * What a customer message asks for.
 *
 * @param product the thing that was ordered, one word of the message
 * @param category what is wrong, one of the six categories
 * @param urgency {@code low}, {@code normal} or {@code high}
 * @param order the order number, five digits of the message
 * @param wish what the customer wants, one of the five wishes
 */
public record Ticket(String product, String category, String urgency, String order, String wish) {

  /** The ticket as one line of JSON without spaces, keys in the order of the components. */
  public String toJson() {
    return "{\"product\":\""
        + product
        + "\",\"category\":\""
        + category
        + "\",\"urgency\":\""
        + urgency
        + "\",\"order\":\""
        + order
        + "\",\"wish\":\""
        + wish
        + "\"}";
  }
}
