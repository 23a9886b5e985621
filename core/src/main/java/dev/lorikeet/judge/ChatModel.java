package dev.lorikeet.judge;

import java.util.List;

/** A model that continues a conversation: what judges are made of. Can be asked by many threads. */
public interface ChatModel {

  /**
   * Everything besides the conversation that shapes a reply: endpoint or file, model, sampling
   * settings. Equal identities may share cached replies. Holds no secrets.
   */
  String identity();

  /**
   * The reply to a conversation that ends with a message of the user.
   *
   * @throws dev.lorikeet.error.RunException if there is none
   */
  String reply(List<ChatMessage> conversation);
}
